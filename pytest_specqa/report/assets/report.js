document.addEventListener('DOMContentLoaded', () => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)]
  const rowOf = (id) => all('#results-table td[data-specqa]').find((cell) => cell.dataset.specqa === id)

  // Pictures are decoded once, when they come near the window; rows that are drawn anew get them again.
  const stored = JSON.parse(document.getElementById('specqa-pictures').textContent)
  const decoded = new Map()
  const picture = (number) => {
    if (!decoded.has(number)) {
      const bytes = Uint8Array.from(atob(stored[number]), (char) => char.charCodeAt(0))
      decoded.set(number, URL.createObjectURL(new Blob([bytes], { type: 'image/png' })))
    }
    return decoded.get(number)
  }
  const near = new IntersectionObserver((seen) => seen.filter((one) => one.isIntersecting).forEach(({ target }) => {
    near.unobserve(target)
    target.src = picture(target.dataset.specqaPicture)
  }), { rootMargin: '1500px' })
  const watch = () => all('img[data-specqa-picture]:not([src])').forEach((image) => near.observe(image))
  new MutationObserver(watch).observe(document.body, { childList: true })
  window.addEventListener('beforeprint', () => {
    all('img[data-specqa-picture]:not([src])').forEach((image) => { image.src = picture(image.dataset.specqaPicture) })
  })
  watch()

  // Each click on a row makes pytest-html draw the table anew, so that a cell has to be looked up again.
  const open = (id) => {
    if (!rowOf(id)) {
      all('input[name="filter_checkbox"]').filter((box) => !box.checked && !box.disabled).forEach((box) => box.click())
    }
    const cell = rowOf(id)
    if (!cell) {
      return
    }
    if (cell.closest('tbody').querySelector('.extras-row').classList.contains('hidden')) {
      cell.click()
    }
    all('tbody.specqa-here').forEach((body) => body.classList.remove('specqa-here'))
    const body = rowOf(id).closest('tbody')
    body.classList.add('specqa-here')
    body.scrollIntoView({ block: 'start' })
  }

  all('a[data-specqa-go]').forEach((link) => link.addEventListener('click', (event) => {
    event.preventDefault()
    open(link.dataset.specqaGo)
  }))

  // The filters know pytest's words; the rows say ours.
  const rowsSay = (word) => all('td.specqa-outcome').some((cell) => cell.textContent.includes(word))
  const words = {
    failed: ['failed'],
    passed: ['warned', rowsSay('passed') && 'passed'],
    skipped: ['not measured', rowsSay('waived') && 'waived'],
    error: ['broken'],
  }
  all('.filters input').forEach((box) => {
    const label = box.nextElementSibling
    const count = parseInt(label.textContent, 10)
    box.hidden = label.hidden = !count
    const known = words[box.dataset.testResult]
    if (known) {
      label.textContent = `${count} ${known.filter(Boolean).join(' or ')}`
    }
  })

  document.getElementById('environment-header').click()
})
