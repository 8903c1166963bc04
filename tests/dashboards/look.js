// What a person would complain of on the page as it is now: a list of sentences, empty where nothing is wrong.
// Evaluated in the page, which may run no script but its own: by the browser's own protocol that is allowed.
(() => {
  const CONTRAST = 4.5; // WCAG 2, level AA, for texts of any size
  const found = [];
  const short = (text) => text.replace(/\s+/g, " ").trim().slice(0, 60);
  const panelOf = (one) => one.closest("[data-panel]")?.dataset.panel ?? "page";
  const seen = (one) => one.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const hidden = (one) => one.closest(".unseen, .skip, [popover]:not(:popover-open)") !== null;
  const scrolls = (style) => /auto|scroll/.test(style.overflowX + style.overflowY);
  const scroller = (one) => {
    for (let up = one.parentElement; up; up = up.parentElement) if (scrolls(getComputedStyle(up))) return up;
    return null;
  };

  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) found.push(`the page is ${root.scrollWidth} px wide, the window ${root.clientWidth}`);

  const panels = [...document.querySelectorAll(".panel")];
  if (!panels.length) found.push("there is no panel");
  for (const panel of panels) {
    const name = panel.dataset.panel;
    if (panel.hasAttribute("aria-busy")) found.push(`${name} still waits`);
    const note = panel.querySelector(".note.failed, .note.missing, .note.loading");
    if (note) found.push(`${name} says: ${short(note.textContent)}`);
    const box = panel.getBoundingClientRect();
    for (const one of panel.querySelectorAll("*:not(svg *)")) {
      if (!seen(one) || hidden(one)) continue;
      const style = getComputedStyle(one);
      if (!scrolls(style) && style.overflow !== "visible" && !one.matches("svg") && (one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1))
        found.push(`${name}: <${one.localName} class="${one.className}"> is cut off: ${one.scrollWidth}×${one.scrollHeight} px in ${one.clientWidth}×${one.clientHeight}`);
      const inside = one.getBoundingClientRect();
      if (!scroller(one) && outside(inside, box)) found.push(`${name}: <${one.localName}> ${short(one.textContent)} reaches out of its panel`);
    }
  }

  function outside(inner, outer) {
    return inner.left < outer.left - 1 || inner.right > outer.right + 1 || inner.top < outer.top - 1 || inner.bottom > outer.bottom + 1;
  }

  // Texts of charts: inside, whole, and not over each other.
  for (const chart of document.querySelectorAll(".chart svg")) {
    const name = panelOf(chart);
    const box = chart.closest(".body").getBoundingClientRect();
    const texts = [...chart.querySelectorAll("text")].filter((one) => one.textContent.trim() && seen(one) && one.getAttribute("opacity") !== "0");
    const boxes = texts.map((one) => one.getBoundingClientRect());
    texts.forEach((one, at) => {
      const text = short(one.textContent);
      if (outside(boxes[at], box)) found.push(`${name}: “${text}” reaches out of its panel`);
      if (one.textContent.trim().endsWith("…")) found.push(`${name}: “${text}” is shortened`);
      for (let other = at + 1; other < texts.length; other += 1) {
        const [a, b] = [boxes[at], boxes[other]];
        const [wide, high] = [Math.min(a.right, b.right) - Math.max(a.left, b.left), Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top)];
        // The boxes have the font's line height, which is more than its letters have.
        if (wide > 1 && high > 0.35 * Math.min(a.height, b.height)) found.push(`${name}: “${text}” and “${short(texts[other].textContent)}” overlap`);
      }
    });
  }

  // Contrast: of each text to what lies under it.
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  canvas.canvas.width = canvas.canvas.height = 1;
  const known = new Map();
  const colour = (text) => {
    if (!known.has(text)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = text;
      canvas.fillRect(0, 0, 1, 1);
      const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
      known.set(text, [red, green, blue, alpha / 255]);
    }
    return known.get(text);
  };
  const over = ([red, green, blue, alpha], under) => [red, green, blue].map((one, at) => one * alpha + under[at] * (1 - alpha));
  const luminance = (rgb) => {
    const [red, green, blue] = rgb.map((one) => (one / 255 <= 0.04045 ? one / 255 / 12.92 : ((one / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const under = (one) => {
    const layers = [];
    for (let up = one; up; up = up.parentElement) {
      const layer = colour(getComputedStyle(up).backgroundColor);
      if (layer[3] > 0) layers.push(layer);
      if (layer[3] === 1) break;
    }
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255]);
  };
  const judge = (name, text, ink, ground) => {
    const [light, dark] = [luminance(over(ink, ground)), luminance(ground)].sort((one, other) => other - one);
    const contrast = (light + 0.05) / (dark + 0.05);
    if (contrast < CONTRAST) found.push(`${name}: “${short(text)}” has a contrast of ${contrast.toFixed(2)}: ${ink} on ${ground.map(Math.round)}`);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const one = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || one.closest("svg, script, noscript, button:disabled") || !seen(one) || hidden(one)) continue;
    judge(panelOf(one), walker.currentNode.data, colour(getComputedStyle(one).color), under(one));
  }
  for (const one of document.querySelectorAll("input[placeholder]"))
    judge(panelOf(one), one.placeholder, colour(getComputedStyle(one, "::placeholder").color), under(one));
  for (const chart of document.querySelectorAll(".chart svg")) {
    const shapes = [...chart.querySelectorAll("path")].filter((one) => !/^(none|transparent|)$/.test(one.getAttribute("fill") ?? "none") && one.getAttribute("opacity") !== "0");
    const boxes = shapes.map((one) => [one, one.getBoundingClientRect()]).filter(([, box]) => box.width > 0.5 && box.height > 0.5);
    for (const one of chart.querySelectorAll("text")) {
      if (!one.textContent.trim() || one.getAttribute("opacity") === "0") continue;
      const at = one.getBoundingClientRect();
      const [x, y] = [at.left + at.width / 2, at.top + at.height / 2];
      // The last that is drawn before the text lies on top.
      const below = boxes.filter(([shape, box]) => box.left <= x && x <= box.right && box.top <= y && y <= box.bottom
        && shape.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING);
      const ground = over(colour(below.at(-1)?.[0].getAttribute("fill") ?? "#fff"), under(chart));
      judge(panelOf(chart), one.textContent, colour(one.getAttribute("fill")), ground);
    }
  }
  return found;
})()
