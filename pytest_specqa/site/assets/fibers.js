'use strict'
// Draws any fiber from the data files of its block; whatever they say is text, never markup.
document.addEventListener('DOMContentLoaded', () => {
  const about = JSON.parse(document.getElementById('fiber-about').textContent)
  const bar = document.getElementById('fiber-bar')
  const told = document.getElementById('fiber-told')
  const shown = document.getElementById('fiber-shown')
  const blocks = new Map()
  const WIDTH = 620
  const HEIGHT = 100
  const LEFT = 60
  const FOOT = 16
  const SVG = 'http://www.w3.org/2000/svg'
  const draw = (tag, attributes, text = '') => {
    const made = document.createElementNS(SVG, tag)
    for (const [name, value] of Object.entries(attributes)) {
      made.setAttribute(name, value)
    }
    made.textContent = text
    return made
  }
  const day = (night) => Date.UTC(Math.floor(night / 10000), Math.floor(night / 100) % 100 - 1, night % 100) / 86400000
  const short = (value) => Number(value.toPrecision(3)).toString().replace('-', '−')

  window.specqaFibers = (first, year, bands) => blocks.set(`${first}-${year}`, bands)

  const load = (first, year) => new Promise((resolve) => {
    if (blocks.has(`${first}-${year}`)) {
      resolve()
      return
    }
    const script = document.createElement('script')
    script.src = `fibers/lookup-${first}-${year}.js`
    script.addEventListener('load', resolve)
    script.addEventListener('error', () => { blocks.set(`${first}-${year}`, {}); resolve() })
    document.head.append(script)
  })

  // Values of a fiber in one series of a band, over all years.
  const course = (fiber, first, band, k) => {
    const points = []
    for (const year of about.years) {
      const found = blocks.get(`${first}-${year}`)?.[band]
      if (!found || !found.series[k][2]) {
        continue
      }
      const [low, step, packed] = found.series[k]
      const bytes = atob(packed)
      found.nights.forEach((night, place) => {
        const level = bytes.charCodeAt((fiber - first) * found.nights.length + place)
        if (level !== 255) {
          points.push([night, low + step * level])
        }
      })
    }
    return points
  }

  const picture = (title, points) => {
    const [start, end] = about.nights.map(day)
    const values = points.map(([, value]) => value)
    let low = Math.min(...values)
    let high = Math.max(...values)
    const margin = 0.06 * (high - low || Math.abs(high) || 1)
    low -= margin
    high += margin
    const floor = HEIGHT - FOOT
    const x = (night) => LEFT + (WIDTH - LEFT - 6) * (day(night) - start + 0.5) / (end - start + 1)
    const y = (value) => 6 + (floor - 6) * (1 - (value - low) / (high - low))
    const svg = draw('svg', { class: 'timeline', width: WIDTH, height: HEIGHT, viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': title })
    svg.append(draw('rect', { class: 't-frame', x: LEFT, y: 6, width: WIDTH - LEFT - 6, height: floor - 6 }))
    svg.append(draw('path', { class: 't-middle', d: points.map(([night, value]) => `M${x(night).toFixed(1)},${y(value).toFixed(1)}h0`).join('') }))
    svg.append(draw('text', { class: 't-value', x: LEFT - 4, y: 15 }, short(high - margin)), draw('text', { class: 't-value', x: LEFT - 4, y: floor - 1 }, short(low + margin)))
    const ends = [points[0][0], points[points.length - 1][0]]
    ends.forEach((night, k) => svg.append(draw('text', { x: k ? WIDTH - 6 : LEFT, y: HEIGHT - 3, 'text-anchor': k ? 'end' : 'start' }, String(night))))
    const figure = document.createElement('figure')
    const caption = document.createElement('figcaption')
    caption.textContent = title
    figure.append(caption, svg)
    return figure
  }

  const show = async (fiber) => {
    const first = Math.floor(fiber / about.block) * about.block
    await Promise.all(about.years.map((year) => load(first, year)))
    const bands = [...new Set(about.years.flatMap((year) => Object.keys(blocks.get(`${first}-${year}`) || {})))]
    const sections = []
    for (const band of bands) {
      const camera = `${band}${Math.floor(fiber / about.petal)}`
      const figures = about.words.flatMap((word, k) => {
        const points = course(fiber, first, band, k)
        return points.length ? [picture(`${word}, ${camera}`, points)] : []
      })
      if (figures.length) {
        const section = document.createElement('section')
        section.className = 'site-course'
        const row = document.createElement('div')
        row.append(...figures)
        section.append(row)
        sections.push(section)
      }
    }
    shown.replaceChildren(...sections)
    told.textContent = sections.length ? `Fiber ${fiber}` : `There are no vectors of fiber ${fiber} in the store.`
    if (about.pages.includes(fiber)) {
      const link = document.createElement('a')
      link.href = `fibers/${fiber}.html`
      link.textContent = 'its own page tells more'
      told.append(': ', link)
    }
  }

  const go = () => {
    const fiber = Number(location.hash.slice(1))
    if (/^#\d+$/.test(location.hash) && fiber < about.fibers) {
      bar.elements.fiber.value = fiber
      show(fiber)
    }
  }
  bar.addEventListener('submit', (event) => {
    event.preventDefault()
    location.hash = `#${Number(bar.elements.fiber.value)}`
  })
  window.addEventListener('hashchange', go)
  go()
})
