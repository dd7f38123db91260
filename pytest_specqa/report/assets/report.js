document.addEventListener('DOMContentLoaded', () => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)]
  const rows = all('.specqa-row')
  const bar = document.getElementById('specqa-bar')
  const buttons = all('button[data-outcome]', bar)
  const text = new Map(rows.map((row) => [row, row.querySelector('summary').textContent.toLowerCase()]))

  // The address names what is shown: a row after the hash, filters before it. It changes without a new entry in the history.
  const address = (change) => {
    const url = new URL(location.href)
    change(url)
    if (url.href !== location.href) {
      history.replaceState(null, '', url)
    }
  }

  // A row, a finding or a measure that is folded away or filtered out is brought into sight.
  const show = (id) => {
    const target = id && document.getElementById(id)
    if (!target) {
      return
    }
    if (target.hidden) {
      bar.reset()
      buttons.forEach((button) => button.setAttribute('aria-pressed', 'true'))
      filter()
    }
    for (let node = target; node; node = node.parentElement) {
      if (node.tagName === 'DETAILS') {
        node.open = true
      }
    }
    all('.specqa-here').forEach((row) => row.classList.remove('specqa-here'))
    const folded = target.matches('.specqa-finding') && target.querySelector(':scope > details')
    if (folded) {
      folded.open = true
    }
    target.classList.add('specqa-here')
    target.scrollIntoView({ block: 'start' })
    target.querySelector('summary')?.focus({ preventScroll: true })
  }
  const go = () => {
    try {
      show(decodeURIComponent(location.hash.slice(1)))
    } catch {
      show(location.hash.slice(1))
    }
  }
  window.addEventListener('hashchange', go)
  // A second click on the same link changes no address.
  document.addEventListener('click', (event) => {
    const link = event.target.closest('a[href^="#"]')
    if (link && link.hash === location.hash) {
      go()
    }
  })
  rows.forEach((row) => row.querySelector('summary').addEventListener('click', (event) => {
    if (!row.open && !event.target.closest('a')) {
      address((url) => { url.hash = row.id })
    }
  }))

  const filter = () => {
    const wanted = bar.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean)
    const place = bar.elements.place.value
    const check = bar.elements.check.value
    const hidden = new Set(buttons.filter((one) => one.getAttribute('aria-pressed') === 'false').map((one) => one.dataset.outcome))
    let shown = 0
    rows.forEach((row) => {
      const fits = !hidden.has(row.dataset.outcome) && (!check || row.dataset.check === check)
        && (!place || row.dataset.places.split(' ').includes(place)) && wanted.every((word) => text.get(row).includes(word))
      row.hidden = !fits
      shown += fits
    })
    // What is searched for is not left folded away; what holds nothing that fits is left out.
    const searching = wanted.length || place || check
    all('.specqa-folded').forEach((group) => {
      group.hidden = !group.querySelector('.specqa-row:not([hidden])')
      group.open = searching ? true : group.open
    })
    all('.specqa-group').forEach((group) => { group.hidden = !group.querySelector('.specqa-row:not([hidden])') })
    document.getElementById('specqa-count').textContent = `${shown} of ${rows.length} rows`
    address((url) => {
      url.searchParams.delete('sort') // of the table that has given way
      const said = { text: wanted.join(' '), place, check, hide: [...hidden].join(',') }
      Object.entries(said).forEach(([name, value]) => (value ? url.searchParams.set(name, value) : url.searchParams.delete(name)))
    })
  }
  const given = new URL(location.href).searchParams
  for (const name of ['text', 'place', 'check']) {
    bar.elements[name].value = given.get(name) ?? ''
  }
  buttons.forEach((button) => {
    button.setAttribute('aria-pressed', String(!(given.get('hide') ?? '').split(',').includes(button.dataset.outcome)))
    button.addEventListener('click', () => {
      button.setAttribute('aria-pressed', String(button.getAttribute('aria-pressed') === 'false'))
      filter()
    })
  })
  bar.addEventListener('input', filter)
  bar.addEventListener('change', filter)
  bar.addEventListener('submit', (event) => event.preventDefault())
  const openAll = (open) => rows.filter((row) => !row.hidden).forEach((row) => {
    row.open = open
    const group = row.parentElement.closest('.specqa-folded')
    if (group && open) {
      group.open = true
    }
  })
  document.getElementById('specqa-open').addEventListener('click', () => openAll(true))
  document.getElementById('specqa-close').addEventListener('click', () => openAll(false))

  // Enter and Space open and close a row, as the browser does with any <details>; j and k go from row to row, / finds.
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) {
      return
    }
    if (event.target.matches('input, select, textarea')) {
      if (event.key === 'Escape') {
        bar.elements.text.value = ''
        filter()
        event.target.blur()
      }
      return
    }
    if (event.key === '/') {
      event.preventDefault()
      bar.elements.text.focus()
    } else if (event.key === 'j' || event.key === 'k') {
      const seen = rows.filter((row) => row.checkVisibility())
      const at = seen.indexOf(document.activeElement.closest('.specqa-row'))
      const next = seen[event.key === 'j' ? at + 1 : Math.max(at - 1, 0)]
      next?.querySelector('summary').focus()
    }
  })

  // The evidence of a finding is the first picture of a row, and shown in both places.
  all('img[data-specqa-from]').forEach((image) => {
    image.src = document.getElementById(image.dataset.specqaFrom).querySelector('.specqa-picture img').src
  })

  document.getElementById('environment-header')?.click()
  filter()
  go()
})
