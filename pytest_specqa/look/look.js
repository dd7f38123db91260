// What moves on the page. The figures are Bokeh's and are found by name; arrays lie in the page, deflated.
const specqaLook = (() => {
  const data = JSON.parse(document.getElementById('specqa-data').textContent)
  const $ = (id) => document.getElementById(id)
  const lights = new Map() // camera: {residual, sky, rows, bins}
  const images = new Map() // camera: {sframe, sky, frame, ratio, rows, bins, limits}
  const state = { camera: null, view: 'sframe', timer: null, fiber: null, bend: data.bend }
  const VIEWS = ['sframe', 'frame', 'sky', 'ratio']
  const BLINKED = ['sframe', 'frame', 'sky']
  const COLOURS = ['#0072B2', '#D55E00', '#009E73', '#CC79A7', '#E69F00', '#56B4E9']

  const model = (name) => {
    for (const one of Bokeh.documents) {
      const found = one.get_model_by_name(name)
      if (found) { return found }
    }
    return null
  }

  // ---- arrays

  const inflate = async (text) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'))
    return new Uint8Array(await new Response(stream).arrayBuffer())
  }

  // The inverse of pack.py.
  const unpack = async (packed) => {
    const [rows, bins] = packed.shape
    const count = rows * bins
    const bytes = await inflate(packed.data)
    const values = new Float32Array(count)
    const above = new Float64Array(bins)
    for (let k = 0; k < count; k++) {
      const code = bytes[k] + bytes[k + count] * 256 + bytes[k + 2 * count] * 65536 + bytes[k + 3 * count] * 16777216
      let number = code % 2 ? -(code + 1) / 2 : code / 2
      if (packed.delta) { number = above[k % bins] += number }
      values[k] = number * packed.step
    }
    if (packed.nan) {
      const bits = await inflate(packed.nan)
      for (let k = 0; k < count; k++) { if (bits[k >> 3] & (128 >> (k & 7))) { values[k] = NaN } }
    }
    return { values, rows, bins }
  }

  const median = (numbers) => {
    const known = Float64Array.from(numbers).filter(Number.isFinite).sort()
    const half = known.length >> 1
    return known.length ? (known.length % 2 ? known[half] : (known[half - 1] + known[half]) / 2) : NaN
  }

  const quantile = (numbers, part) => {
    const known = Float64Array.from(numbers).filter(Number.isFinite).sort()
    return known.length ? known[Math.min(known.length - 1, Math.floor(part * known.length))] : NaN
  }

  const columnMedians = (array, rows, bins) => {
    const found = new Float32Array(bins), column = new Float64Array(rows)
    for (let bin = 0; bin < bins; bin++) {
      for (let row = 0; row < rows; row++) { column[row] = array[row * bins + bin] }
      found[bin] = median(column)
    }
    return found
  }

  // ---- the focal plane

  const paint = (reach) => {
    const source = model('fibers'), palette = model('plane_colours').palette
    const changed = {}
    for (const name of ['before', 'after']) {
      const fill = [], edge = []
      for (let k = 0; k < source.data[name].length; k++) {
        const value = source.data[name][k]
        if (!Number.isFinite(value)) {
          fill.push('#d5d5d5'); edge.push('#d5d5d5')
        } else if (value > data.bright * reach && !data.is_sky[k]) {
          fill.push('rgba(255,255,255,0)'); edge.push('#9a9a9a')
        } else {
          const place = Math.floor((value + reach) / (2 * reach) * palette.length)
          const colour = palette[Math.max(0, Math.min(palette.length - 1, place))]
          fill.push(colour); edge.push(colour)
        }
      }
      changed[`${name}_fill`] = fill
      changed[`${name}_edge`] = edge
    }
    model('plane_colours').setv({ low: -reach, high: reach })
    source.data = { ...source.data, ...changed }
  }

  // Colours for another window, from the spectra in the page: medians of bins, where the first ones are medians of pixels.
  const recolour = (low, high) => {
    const bins = data.wave.map((wave, k) => [wave, k]).filter(([wave]) => wave >= low && wave <= high).map(([, k]) => k)
    if (!bins.length) { $('window-note').textContent = 'no bin lies in this window'; return }
    const source = model('fibers')
    const level = [], after = []
    for (const camera of data.cameras) {
      const light = lights.get(camera.name)
      for (let row = 0; row < light.rows; row++) {
        after.push(median(bins.map((k) => light.residual[row * light.bins + k])))
        level.push(median(bins.map((k) => light.residual[row * light.bins + k] + light.sky[row * light.bins + k])))
      }
    }
    const middle = median(level)
    const before = level.map((value) => value - middle)
    const spread = (values) => {
      const centre = median(values)
      return Math.abs(centre) + 2.2 * 1.4826 * median(values.map((value) => Math.abs(value - centre)))
    }
    source.data = { ...source.data, before, after, level }
    paint(Math.max(spread(before), spread(after)) || 1)
    $('window-note').textContent = `median of the ${bins.length} bins of ${data.rebin} pixels in ${low}–${high} Å`
  }

  // ---- the spectrum of a fiber

  const picked = (indices) => {
    if (indices.length) { show(model('fibers').data.fiber[indices[0]]) }
  }

  const show = (fiber) => {
    const source = model('fibers')
    const index = Array.from(source.data.fiber).indexOf(Number(fiber))
    const camera = data.cameras.find((one) => fiber >= one.first && fiber < one.first + one.count)
    if (index < 0 || !camera) { $('fiber-told').textContent = `fiber ${fiber} is not in this exposure's ${data.band} cameras`; return false }
    const light = lights.get(camera.name)
    const start = (fiber - camera.first) * light.bins
    const residual = Array.from(light.residual.subarray(start, start + light.bins))
    const sky = Array.from(light.sky.subarray(start, start + light.bins))
    const frame = residual.map((value, k) => value + sky[k])
    model('spectrum').data = { wave: data.wave, frame, sky, residual }
    state.fiber = Number(fiber)
    const told = source.data
    const mag = Number.isFinite(told.mag[index]) ? `, ${told.mag[index].toFixed(2)} mag` : ''
    const words = `fiber ${fiber} (${camera.name}), TARGETID ${told.targetid[index]}, ${told.kind[index]}${mag}, FIBERSTATUS ${told.status[index]}`
    model('light').title.text = words
    $('fiber-told').textContent = words
    const high = Math.max(quantile(frame, 0.97), quantile(sky, 0.97)), low = Math.min(0, quantile(frame, 0.01))
    if (Number.isFinite(high)) { model('light').y_range.setv({ start: low, end: low + 1.3 * (high - low || 1) }) }
    const inside = residual.filter((_, k) => data.wave[k] >= data.window[0] && data.wave[k] <= data.window[1])
    const reach = Math.max(1.3 * quantile(residual.map(Math.abs), 0.985), 1.05 * quantile(inside.map(Math.abs), 1) || 0) || 1
    model('left').y_range.setv({ start: -reach, end: reach })
    $('fiber').value = fiber
    if (source.selected.indices[0] !== index) { source.selected.indices = [index] }
    const [ra, dec] = [data.ra[index], data.dec[index]]
    $('fiber-sky').hidden = ra === null || dec === null
    if (ra !== null && dec !== null) {
      $('fiber-sky').href = `${data.viewer}?ra=${ra}&dec=${dec}&layer=${data.layer}&zoom=16&mark=${ra},${dec}`
      $('fiber-sky').textContent = `fiber ${fiber}: RA ${ra}, Dec ${dec}`
    }
    return true
  }

  // ---- images

  const load = async (name) => {
    if (images.has(name)) { return images.get(name) }
    const given = data.images[name]
    const sframe = await unpack(given.sframe)
    const sky = given.sky ? await unpack(given.sky) : null
    const one = { sframe: sframe.values, rows: sframe.rows, bins: sframe.bins, limits: given.limits }
    if (sky) {
      one.sky = sky.values
      one.frame = sframe.values.map((value, k) => value + sky.values[k])
      const middle = columnMedians(sky.values, sky.rows, sky.bins)
      one.ratio = sky.values.map((value, k) => 100 * (value / middle[k % sky.bins] - 1))
    }
    images.set(name, one)
    return one
  }

  const array2d = (source, values, rows, bins) => new (source.data.image[0].constructor)(values, [rows, bins])

  // Angstrom to add in a fiber to come to the wavelength on the same CCD row.
  const shifts = (given, row, rows, wave) => {
    if (given.bend) {
      const { knots, shift } = given.bend
      const place = Math.max(0, Math.min(knots.length - 1.001, (wave - knots[0]) / (knots[1] - knots[0])))
      const k = Math.floor(place)
      return shift[row][k] + (place - k) * (shift[row][k + 1] - shift[row][k])
    }
    const slit = 2 * row / (rows - 1) - 1
    return state.bend * data.pixel * slit * slit
  }

  const straightened = (values, given, rows, bins) => {
    const found = new Float32Array(rows * bins)
    const step = given.step
    for (let row = 0; row < rows; row++) {
      for (let bin = 0; bin < bins; bin++) {
        const from = Math.round(bin + shifts(given, row, rows, given.start + bin * step) / step)
        found[row * bins + bin] = from >= 0 && from < bins ? values[row * bins + from] : NaN
      }
    }
    return found
  }

  // Blinking goes through the same images again and again; those of other bends are forgotten.
  const kept = (one, key, make) => {
    if (one.bend !== state.bend) { one.straight = new Map(); one.bend = state.bend }
    if (!one.straight.has(key)) { one.straight.set(key, make()) }
    return one.straight.get(key)
  }

  const VIEW_NAMES = {
    sframe: 'sframe (sky subtracted)', frame: 'frame (flat-fielded, before sky subtraction)', sky: 'sky model as subtracted',
    ratio: 'sky model over its median fiber',
  }

  const draw = async () => {
    const given = data.images[state.camera]
    const one = await load(state.camera)
    const view = one[state.view] ? state.view : 'sframe'
    const { rows, bins } = one
    const unit = view === 'ratio' ? '%' : 'e⁻/Å'
    const [least, most] = one.limits[view]
    const half = (most - least) / 2 / 2 ** Number($('contrast').value)
    const [low, high] = [(least + most) / 2 - half, (least + most) / 2 + half]
    model('greys').setv({ low, high })
    const place = { x: [given.start - given.step / 2], y: [given.first - 0.5], dw: [bins * given.step], dh: [rows] }
    for (const name of ['waves', 'rows']) {
      const source = model(`image_${name}`)
      const values = name === 'waves' ? one[view] : kept(one, view, () => straightened(one[view], given, rows, bins))
      source.data = { image: [array2d(source, values, rows, bins)], ...place }
    }
    const limits = `${$('contrast').value === '0' ? (view === 'sframe' ? 'zscale of the sky fibers' : 'zscale') : 'from'} ${low.toPrecision(3)} to ${high.toPrecision(3)} ${unit}`
    model('figure_waves').title.text = `${state.camera} ${VIEW_NAMES[view]}, ${limits}`
    model('figure_rows').title.text = `the same, straightened along CCD rows (${given.bend ? 'traces of the PSF' : `parabola of ${state.bend} pixels`})`
    for (const button of document.querySelectorAll('button[data-view]')) {
      button.setAttribute('aria-pressed', String(button.dataset.view === view))
      button.disabled = !one[button.dataset.view]
    }
    document.body.dataset.drawn = `${state.camera} ${view} ${state.bend}`
  }

  // Lines where the amplifiers meet, and their letters in the four quarters.
  const bounds = () => {
    const given = data.images[state.camera]
    const { first, count, start, step, bins } = given
    const end = start + step * (bins - 1), middle = first + count / 2
    const rows = [...Array(count).keys()]
    const curve = given.two_amp ? [] : rows.map((row) => given.bend ? given.bend.boundary[row] : given.middle + shifts(given, row, count, 0))
    const straight = given.two_amp ? [] : rows.map(() => given.bend ? given.bend.boundary[count >> 1] : given.middle)
    const fibers = rows.map((row) => first + row)
    const across = [start, end], level = [middle - 0.5, middle - 0.5]
    const centre = straight.length ? straight[0] : end
    const quarters = { x: [start, start, centre, centre].map((x) => x + 12 * step), y: [10, count / 2 + 10, 10, count / 2 + 10].map((y) => first + y) }
    const kept = given.two_amp ? 2 : 4
    for (const [name, x] of [['waves', curve], ['rows', straight]]) {
      model(`bounds_${name}`).data = { xs: x.length ? [across, x] : [across], ys: x.length ? [level, fibers] : [level] }
      model(`amps_${name}`).data = { x: quarters.x.slice(0, kept), y: quarters.y.slice(0, kept), text: ['A', 'B', 'C', 'D'].slice(0, kept) }
    }
    model('boxes').data = given.boxes
  }

  const choose = async (name) => {
    if (!data.images[name]) { return false }
    state.camera = name
    const { first, count, start, step, bins } = data.images[name]
    const figure = model('figure_waves')
    figure.y_range.setv({ start: first - 0.5, end: first + count - 0.5, reset_start: first - 0.5, reset_end: first + count - 0.5 })
    figure.x_range.setv({ start: start - step, end: start + step * bins })
    for (const button of document.querySelectorAll('[data-show]')) { button.setAttribute('aria-pressed', String(button.dataset.show === name)) }
    for (const block of document.querySelectorAll('[data-around]')) { block.hidden = block.dataset.around !== name }
    $('bend-row').hidden = Boolean(data.images[name].bend)
    bounds()
    await draw()
    return true
  }

  const look = (view) => { state.view = view; return draw() }

  const blink = () => {
    if (state.timer) {
      clearInterval(state.timer)
      state.timer = null
    } else {
      const next = () => look(BLINKED[(BLINKED.indexOf(state.view) + 1) % BLINKED.length])
      next()
      state.timer = setInterval(next, 800)
    }
    $('blink').setAttribute('aria-pressed', String(Boolean(state.timer)))
  }

  // ---- sky fibers

  const skyFibers = (name) => {
    const camera = data.cameras.find((one) => one.name === name)
    const light = lights.get(name)
    const lines = camera.sky.map((row) => Array.from(light.residual.subarray(row * light.bins, (row + 1) * light.bins)))
    model('sky_lines').data = {
      xs: lines.map(() => data.wave), ys: lines, fiber: camera.sky.map((row) => camera.first + row),
      colour: lines.map((_, k) => COLOURS[k % COLOURS.length]),
    }
    model('sky_median').data = { wave: data.wave, median: data.wave.map((_, k) => median(lines.map((line) => line[k]))) }
    const figure = model('sky_fibers')
    figure.title.text = `${name}: ${lines.length} sky fibers after sky subtraction, mean of every ${data.rebin} pixels`
    const reach = 1.1 * quantile(lines.flat().map(Math.abs), 0.999) || 1
    figure.y_range.setv({ start: -reach, end: reach, reset_start: -reach, reset_end: reach })
  }

  // ---- buttons and keys

  const wire = () => {
    for (const button of document.querySelectorAll('button[data-view]')) { button.addEventListener('click', () => look(button.dataset.view)) }
    for (const button of document.querySelectorAll('[data-show]')) { button.addEventListener('click', () => choose(button.dataset.show)) }
    $('contrast').addEventListener('input', draw)
    $('blink').addEventListener('click', blink)
    $('bend').addEventListener('input', () => { state.bend = Number($('bend').value); $('bend-told').textContent = state.bend; bounds(); draw() })
    $('sky-camera').addEventListener('change', () => skyFibers($('sky-camera').value))
    $('fiber').addEventListener('change', () => show(Number($('fiber').value)))
    for (const [id, step] of [['fiber-less', -1], ['fiber-more', 1]]) { $(id).addEventListener('click', () => show(state.fiber + step)) }
    $('window-set').addEventListener('click', () => recolour(Number($('window-low').value), Number($('window-high').value)))
    for (const button of document.querySelectorAll('table.night button')) {
      button.addEventListener('click', () => {
        const name = button.dataset.camera
        const absent = name && !data.images[name] ? ` (its image is not in this page: specqa look ... --camera ${name})` : ''
        $('told').textContent = button.dataset.told + absent
        if (name) { choose(name) }
        if (name && lights.has(name)) { $('sky-camera').value = name; skyFibers(name) }
      })
    }
    document.addEventListener('keydown', (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || /INPUT|SELECT|TEXTAREA/.test(event.target.tagName)) { return }
      if (event.key === 'b') { blink() }
      if (VIEWS[event.key - 1]) { look(VIEWS[event.key - 1]) }
    })
  }

  const begin = async () => {
    for (const camera of data.cameras) {
      const residual = await unpack(camera.residual), sky = await unpack(camera.sky_model)
      lights.set(camera.name, { residual: residual.values, sky: sky.values, rows: residual.rows, bins: residual.bins })
    }
    paint(data.reach)
    const source = model('fibers')
    if (data.fibers) {
      const inside = Array.from(source.data.fiber).map((fiber, k) => [fiber, k]).filter(([fiber]) => fiber >= data.fibers[0] && fiber <= data.fibers[1])
      model('marked').data = { x: inside.map(([, k]) => source.data.x[k]), y: inside.map(([, k]) => source.data.y[k]) }
    }
    show(data.start)
    if (data.cameras.length) { skyFibers($('sky-camera').value) }
    wire()
    await choose(Object.keys(data.images)[0])
    document.body.dataset.ready = 'yes'
  }

  const start = () => {
    if (typeof DecompressionStream === 'undefined') {
      $('too-old').hidden = false
      return
    }
    const wait = () => (window.Bokeh && Bokeh.documents.length && Bokeh.index.roots.length >= data.roots && model('fibers') ? begin() : setTimeout(wait, 30))
    wait()
  }

  return { picked, show, look, blink, choose, start, state, lights, images, model }
})()
specqaLook.start()
