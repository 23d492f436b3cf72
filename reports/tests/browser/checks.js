// What a page is asked, in the page. Each answer lists problems in words.
(() => {
  const shown = (element) => {
    const box = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    return box.width > 0 && box.height > 0 && style.visibility !== "hidden" && style.display !== "none";
  };
  const named = (element) => {
    const by = element.getAttribute("aria-labelledby");
    const texts = by ? by.split(" ").map((id) => document.getElementById(id)?.textContent ?? "") : [];
    return element.getAttribute("aria-label") || texts.join(" ").trim() || element.textContent.trim();
  };
  const channels = (colour) => {
    const [r, g, b, a = 1] = colour.match(/[\d.]+/g).map(Number);
    return { rgb: [r, g, b], a };
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const contrast = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const resolve = (name) => {
    const probe = document.createElementNS("http://www.w3.org/2000/svg", "line");
    probe.setAttribute("class", name);
    document.querySelector("svg").append(probe);
    const colour = channels(getComputedStyle(probe).stroke).rgb;
    probe.remove();
    return colour;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const { rgb, a } = channels(getComputedStyle(at).backgroundColor);
      if (a === 1) return rgb;
    }
    return [255, 255, 255];
  };
  const paper = ground(document.body);
  const band = document.querySelector("rect.stage.measured");

  window.paddock = {
    // Every figure shows one drawing of some size with marks in it.
    charts() {
      const problems = [];
      const figures = [...document.querySelectorAll("figure")];
      if (figures.length === 0) problems.push("no figure");
      for (const figure of figures) {
        const drawings = [...figure.querySelectorAll('svg[role="img"]')].filter(shown);
        if (drawings.length !== 1) problems.push(`${figure.id}: ${drawings.length} drawings shown`);
        for (const svg of drawings) {
          const box = svg.getBoundingClientRect();
          if (box.width < 250 || box.height < 60) problems.push(`${figure.id}: ${box.width} by ${box.height}`);
          const data = "path, circle, rect.span, rect.need, line.interval";
          const marks = [...svg.querySelectorAll(data)].filter((mark) => {
            const size = mark.getBBox();
            return size.width > 0 || size.height > 0;
          });
          if (marks.length === 0) problems.push(`${figure.id}: nothing drawn`);
          const texts = [...svg.querySelectorAll("text")].filter(shown);
          if (texts.length < 3) problems.push(`${figure.id}: ${texts.length} texts`);
          for (const text of texts) {
            const size = parseFloat(getComputedStyle(text).fontSize) * (box.width / svg.viewBox.baseVal.width);
            if (size < 9.4) problems.push(`${figure.id}: letters of ${size.toFixed(1)} px`);
          }
        }
      }
      return problems;
    },

    // Text against what is behind it, and lines against the paper.
    contrast() {
      const problems = new Set();
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const element = node.parentElement;
        if (!node.data.trim() || !shown(element) || element.closest("title, desc, .unseen, .skip")) continue;
        const style = getComputedStyle(element);
        const inDrawing = element.closest("svg") !== null;
        const ink = channels(inDrawing ? style.fill : style.color).rgb;
        const grounds = inDrawing ? [paper] : [ground(element)];
        if (inDrawing && band) grounds.push(channels(getComputedStyle(band).fill).rgb);
        const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.7 && style.fontWeight >= 700);
        for (const behind of grounds) {
          const ratio = contrast(ink, behind);
          if (ratio < (large ? 3 : 4.5)) {
            problems.add(`${element.tagName} ${element.getAttribute("class") ?? ""}: ${ratio.toFixed(2)}`);
          }
        }
      }
      if (document.querySelector("svg")) {
        for (const name of ["ink", "tail", "event", "event done", "limit", "stop"]) {
          const ratio = contrast(resolve(name), paper);
          if (ratio < 3) problems.add(`line.${name}: ${ratio.toFixed(2)}`);
        }
      }
      return [...problems];
    },

    // Nothing is wider than the screen but what scrolls by itself.
    overflow() {
      const excess = document.documentElement.scrollWidth - window.innerWidth;
      const problems = excess > 0 ? [`${excess} px too wide`] : [];
      // Sentences are read without scrolling sideways, also those in a table that scrolls.
      for (const why of document.querySelectorAll(".why")) {
        const { left, right } = why.getBoundingClientRect();
        if (left < 0 || right > window.innerWidth) problems.push(`a reason from ${left} to ${right} px`);
      }
      const steps = document.querySelector(".scroll:has(> .steps)");
      if (steps && window.innerWidth >= 1200 && steps.scrollWidth > steps.clientWidth) {
        problems.push(`steps ${steps.scrollWidth - steps.clientWidth} px wider than their box`);
      }
      return problems;
    },

    // What came from elsewhere is text.
    foreign() {
      const problems = [];
      for (const element of document.querySelectorAll("script, iframe, img, object, embed, link, form, base, b")) {
        problems.push(element.outerHTML.slice(0, 80));
      }
      for (const element of document.querySelectorAll("*")) {
        for (const { name, value } of element.attributes) {
          const link = name === "href" && !/^(#|(steps\/)?\w[\w.-]*\/report\.html$)/.test(value);
          if (name.startsWith("on") || name === "style" || name === "src" || link) problems.push(`${name}=${value}`);
        }
      }
      return problems;
    },

    // What the Tab key must reach, in order.
    stops() {
      const all = document.querySelectorAll('a[href], summary, button, input, select, [tabindex="0"]');
      const closed = (element) => {
        const details = element.closest("details:not([open])");
        return details !== null && !(element.tagName === "SUMMARY" && element.parentElement === details);
      };
      const reached = [...all].filter((element) => !closed(element) && (shown(element) || element.matches(".skip")));
      return reached.map((element) => `${element.tagName} ${named(element).slice(0, 60)}`);
    },

    // Where it is, and whether that can be seen and is said.
    focused() {
      const element = document.activeElement;
      if (!element || element === document.body) return null;
      const style = getComputedStyle(element);
      const seen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0 && shown(element);
      return { name: `${element.tagName} ${named(element).slice(0, 60)}`, seen, said: named(element) !== "" };
    },
  };
  return true;
})();
