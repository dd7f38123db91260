'use strict'
// Leads to what an address names though it is folded away, tells how old a page is, and finds rows by their text.
document.addEventListener('DOMContentLoaded', () => {
  const time = document.querySelector('.site-made time')
  const age = () => {
    const minutes = Math.round((Date.now() - new Date(time.dateTime)) / 60000)
    if (!Number.isFinite(minutes) || minutes < 0) {
      return
    }
    const told = minutes < 1 ? 'just now' : minutes < 120 ? `${minutes} min ago` : minutes < 2880 ? `${Math.round(minutes / 60)} h ago` : `${Math.round(minutes / 1440)} days ago`
    time.title = told
    time.dataset.age = ` (${told})`
  }
  if (time) {
    age()
    setInterval(age, 30000)
  }

  const show = () => {
    let id = location.hash.slice(1)
    try {
      id = decodeURIComponent(id)
    } catch { /* it is no escape */ }
    const target = id && document.getElementById(id)
    if (!target) {
      return
    }
    for (let node = target; node; node = node.parentElement) {
      if (node.tagName === 'DETAILS') {
        node.open = true
      }
    }
    document.querySelectorAll('.specqa-here').forEach((one) => one.classList.remove('specqa-here'))
    target.classList.add('specqa-here')
    target.scrollIntoView({ block: 'start' })
    target.querySelector('summary')?.focus({ preventScroll: true })
  }
  window.addEventListener('hashchange', show)
  document.addEventListener('click', (event) => {
    const link = event.target.closest('a[href^="#"]')
    if (link && link.hash === location.hash) {
      show()
    }
  })
  show()

  for (const bar of document.querySelectorAll('form[data-finds]')) {
    const rows = [...document.querySelectorAll(bar.dataset.finds)]
    const filter = () => {
      const wanted = bar.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean)
      rows.forEach((row) => { row.hidden = !wanted.every((word) => row.dataset.text.includes(word)) })
    }
    bar.addEventListener('input', filter)
    bar.addEventListener('submit', (event) => event.preventDefault())
    filter()
  }

  // As in a list: the arrows go to the night before and after, / to the search.
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, select, textarea')) {
      return
    }
    const link = { ArrowLeft: 'prev', ArrowRight: 'next' }[event.key]
    if (link) {
      document.querySelector(`a[rel=${link}]`)?.click()
    } else if (event.key === '/') {
      const box = document.querySelector('input[type=search]')
      if (box) {
        event.preventDefault()
        box.focus()
      }
    }
  })
})
