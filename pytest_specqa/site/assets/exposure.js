'use strict'
// Draws one exposure from the data file of its night; whatever the data say is text, never markup.
document.addEventListener('DOMContentLoaded', () => {
  const nights = new Map()
  const place = (name) => document.getElementById(`exposure-${name}`)
  const bar = place('bar')
  const CLASSES = ['specqa-passed', 'specqa-not-measured', 'specqa-unreachable', 'specqa-warned', 'specqa-failed']
  const FIRST = 10
  const BAD = CLASSES.indexOf('specqa-warned')
  const WORDS = ['passed', 'not measured', 'unreachable', 'warned', 'failed']
  const make = (tag, text = '', attributes = {}, children = []) => {
    const made = document.createElement(tag)
    made.textContent = text
    for (const [name, value] of Object.entries(attributes)) {
      made.setAttribute(name, value)
    }
    made.append(...children)
    return made
  }
  const link = (href, text, more = {}) => make('a', text, { href, ...more })
  const padded = (expid) => String(expid).padStart(8, '0')
  const address = (night, expid, camera) => `exposure.html#${night}-${padded(expid)}${camera ? `-${camera}` : ''}`
  const isCamera = (name) => /^[a-z][0-9]{1,2}$/.test(name)
  const number = (value) => value === null ? '–' : String(value).replace('-', '−')
  const told = (text) => { place('told').textContent = text }

  const bounds = (low, high) => {
    if (low !== null && high !== null) {
      return `${number(low)} … ${number(high)}`
    }
    return high !== null ? `≤ ${number(high)}` : low !== null ? `≥ ${number(low)}` : ''
  }

  const draw = (night, expid, camera) => {
    const data = nights.get(night)
    const index = data.exposures.findIndex((one) => one.expid === expid)
    if (index < 0) {
      told(`Night ${night} has no exposure ${padded(expid)}.`)
      return
    }
    const one = data.exposures[index]
    place('title').textContent = `Exposure ${padded(expid)}${one.tile === null ? '' : `, tile ${one.tile}`}`
    document.title = `Exposure ${padded(expid)}`
    const around = [[index - 1, 'prev', '‹ '], [index + 1, 'next', '']].map(([k, rel, mark]) => {
      const other = data.exposures[k]
      return other ? link(address(night, other.expid, camera), `${mark}${padded(other.expid)}${rel === 'next' ? ' ›' : ''}`, { rel }) : ''
    })
    place('around').replaceChildren(around[0], link(`nights/${night}.html`, `night ${night}`), around[1])
    cells(data, one, camera)
    reasons(data, one, camera)
    values(data, one, camera)
  }

  const worst = (one, k) => {
    const found = Object.values(one.values).map(([, ranks]) => ranks[k]).filter((rank) => rank !== undefined && rank !== ' ').map(Number)
    return found.length ? (Math.max(...found) === 1 && found.includes(0) ? 0 : Math.max(...found)) : -1
  }

  const cells = (data, one, camera) => {
    const head = make('tr')
    const row = make('tr')
    data.cameras.forEach((name, k) => {
      const rank = worst(one, k)
      head.append(make('th', name, { class: 'specqa-petal' }))
      const cell = make('td', '', rank < 0 ? { class: 'specqa-absent' } : { class: `${CLASSES[rank]}${name === camera ? ' site-chosen' : ''}` })
      if (rank >= 0) {
        cell.append(link(address(data.night, one.expid, name), data.letters[rank], { 'aria-label': `${name} ${WORDS[rank]}`, title: `${name} ${WORDS[rank]}` }))
      }
      row.append(cell)
    })
    place('cells').replaceChildren(make('table', '', { class: 'specqa-grid' }, [head, row]))
  }

  const reasons = (data, one, camera) => {
    const all = data.reasons.filter(([expid, , of]) => expid === one.expid && (!camera || !of || of === camera))
    const list = make('ul', '', { class: 'site-reasons' })
    for (const [, , of, rank, waiver, plain, message] of all) {
      const badge = make('span', '', { class: `specqa-badge ${CLASSES[rank]}` }, [make('b', data.letters[rank]), ` ${of || 'exposure'}`])
      const why = make('span', message)
      list.append(make('li', '', {}, [badge, ' ', make('b', plain), ': ', why, waiver ? ` (waived: ${waiver})` : '']))
    }
    told(all.length ? `${all.length} ${all.length === 1 ? 'value fails or warns' : 'values fail or warn'}${camera ? ` in ${camera}` : ''}.` : `Nothing fails or warns${camera ? ` in ${camera}` : ''}.`)
    if (camera && isCamera(camera)) {
      place('told').append(' ', link(`cameras/${camera}.html`, `${camera} over all nights`), ', ', link(address(data.night, one.expid), 'all cameras'))
    }
    const rest = [...list.children].slice(FIRST)
    place('reasons').replaceChildren(list)
    if (rest.length > 1) {
      const more = make('button', `show ${rest.length} more reasons`, { type: 'button' })
      rest.forEach((one) => { one.hidden = true })
      more.addEventListener('click', () => {
        rest.forEach((one) => { one.hidden = false })
        more.remove()
      })
      place('reasons').append(more)
    }
  }

  const values = (data, one, camera) => {
    const shown = camera ? data.cameras.filter((name) => name === camera) : data.cameras
    const head = make('tr', '', {}, [make('th', 'measure'), make('th', 'allowed'), ...shown.map((name) => make('th', name))])
    const rows = []
    for (const [measure, [numbers, ranks]] of Object.entries(one.values)) {
      const [plain, unit, low, high] = data.measures[measure]
      const name = make('th', '', { scope: 'row' }, [plain || measure.replaceAll('_', ' '), ' ', make('small', plain ? measure : '', { class: 'specqa-key' }), make('small', unit ? ` ${unit}` : '', { class: 'specqa-key' })])
      const row = make('tr', '', { 'data-text': `${plain || ''} ${measure}`.toLowerCase() }, [name, make('td', bounds(low, high), { class: 'specqa-faint' })])
      let bad = false
      for (const camera of shown) {
        const k = data.cameras.indexOf(camera)
        const rank = ranks[k] === ' ' ? -1 : Number(ranks[k])
        bad ||= rank >= BAD
        const cell = make('td', rank < 0 ? '' : number(numbers[k]), rank < 0 ? {} : { class: CLASSES[rank], title: `${camera} ${WORDS[rank]}` })
        if (rank >= BAD) {
          cell.prepend(make('b', `${data.letters[rank]} `))
        }
        row.append(cell)
      }
      row.dataset.bad = bad ? 'yes' : ''
      rows.push(row)
    }
    for (const [unit, measure, value, unitOf, rank] of data.others.filter(([name]) => name === `${data.night}-${padded(one.expid)}`)) {
      const [plain, , low, high] = data.measures[measure]
      const cell = make('td', `${number(value)} ${unitOf || ''}`, { class: CLASSES[rank], colspan: String(Math.max(shown.length, 1)), title: WORDS[rank] })
      rows.push(make('tr', '', { 'data-text': `${plain || ''} ${measure} ${unit}`.toLowerCase(), 'data-bad': rank >= BAD ? 'yes' : '' }, [make('th', `${plain || measure.replaceAll('_', ' ')} (exposure)`, { scope: 'row' }), make('td', bounds(low, high), { class: 'specqa-faint' }), cell]))
    }
    rows.sort((a, b) => (b.dataset.bad === 'yes') - (a.dataset.bad === 'yes'))
    place('values').replaceChildren(make('table', '', { class: 'site-values' }, [make('thead', '', {}, [head]), make('tbody', '', {}, rows)]))
    bar.hidden = false
    filter()
  }

  const filter = () => {
    const wanted = bar.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean)
    for (const row of document.querySelectorAll('.site-values tbody tr')) {
      row.hidden = (bar.elements.bad.checked && row.dataset.bad !== 'yes') || !wanted.every((word) => row.dataset.text.includes(word))
    }
  }
  bar.addEventListener('input', filter)
  bar.addEventListener('submit', (event) => event.preventDefault())

  const go = () => {
    const found = /^#(\d{1,8})-(\d{1,10})(?:-([a-z]\d{1,2}))?$/.exec(location.hash)
    if (!found) {
      return
    }
    const [, night, expid, camera] = found
    const ready = () => draw(Number(night), Number(expid), camera)
    if (nights.has(Number(night))) {
      ready()
      return
    }
    told(`Night ${night} is being read ...`)
    const script = make('script', '', { src: `nights/${night}.js` })
    script.addEventListener('load', ready)
    script.addEventListener('error', () => told(`There are no data of night ${night} in this site.`))
    document.head.append(script)
  }
  window.specqaNight = (data) => nights.set(data.night, data)
  window.addEventListener('hashchange', go)
  go()
})
