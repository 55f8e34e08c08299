// What the browser tests ask of every page. Each function of look returns the faults that it finds, as sentences.
window.look = (() => {
  const acts = "a[href], button, input:not([type=hidden]), select, textarea, summary";
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const style = (e, part) => getComputedStyle(e, part);
  const box = (e) => e.getBoundingClientRect();
  const shown = (e) => e.checkVisibility({ visibilityProperty: true }) && !e.closest(".sr-only, .skip") && box(e).width > 1;
  const name = (e) => e.outerHTML.replace(/\s+/g, " ").slice(0, 90);
  const px = (n) => `${Math.round(n)} px`;

  // Painted areas

  const clear = (colour) => /^rgba\(.*, 0\)$|\/ 0\)$|^transparent$/.test(colour);
  const under = (e) => {
    for (; e; e = e.parentElement) if (!clear(style(e).backgroundColor)) return style(e).backgroundColor;
    return style(document.documentElement).backgroundColor;
  };
  const sides = ["Top", "Right", "Bottom", "Left"];
  const line = (s, side) => (s[`border${side}Style`] === "none" || parseFloat(s[`border${side}Width`]) === 0 ? "" : s[`border${side}Style`] + s[`border${side}Width`] + s[`border${side}Color`]);
  const edged = (e) => {
    const s = style(e);
    return sides.some((side) => line(s, side) && s[`border${side}Color`] !== under(e.parentElement)) || (s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0);
  };
  const painted = (e) => e.parentElement && (under(e) !== under(e.parentElement) || edged(e));

  // Widths

  // wide tells what makes the page scroll sideways, and what is cut off instead.
  function wide() {
    const room = document.documentElement.clientWidth;
    const faults = [];
    if (document.documentElement.scrollWidth > room) {
      const out = all("body *").filter((e) => shown(e) && (box(e).right > room + 0.5 || box(e).left < -0.5));
      const last = out.filter((e) => !out.some((other) => other !== e && e.contains(other))).slice(0, 3);
      faults.push(`the page is ${px(document.documentElement.scrollWidth)} wide in ${px(room)}: ${last.map(name).join(" and ")}`);
    }
    for (const e of all("body *")) {
      const s = style(e);
      if ((s.overflowX !== "hidden" && s.overflowX !== "clip") || e.matches("input, select, svg")) continue;
      if (e.scrollWidth > e.clientWidth + 1 && s.textOverflow !== "ellipsis" && shown(e)) faults.push(`${px(e.scrollWidth - e.clientWidth)} are cut off in ${name(e)}`);
    }
    return faults;
  }

  // Targets

  // inSentence: WCAG 2.5.5 excepts a link in a sentence.
  function inSentence(e) {
    if (e.tagName !== "A" || !style(e).display.startsWith("inline")) return false;
    let block = e.parentElement;
    while (style(block).display === "inline") block = block.parentElement;
    const words = block.cloneNode(true);
    for (const other of all("a, button, .icon, .sr-only", words)) other.remove();
    return /\p{L}/u.test(words.textContent);
  }

  // target is what a finger can hit: the label of a tick belongs to it.
  function target(e) {
    const r = box(e);
    const area = { left: r.left, top: r.top, right: r.right, bottom: r.bottom };
    for (const label of /checkbox|radio/.test(e.type) ? e.labels : []) {
      const l = box(label);
      area.left = Math.min(area.left, l.left);
      area.top = Math.min(area.top, l.top);
      area.right = Math.max(area.right, l.right);
      area.bottom = Math.max(area.bottom, l.bottom);
    }
    return area;
  }

  const targets = () => all(acts).filter((e) => shown(e) && !inSentence(e)).map((e) => ({ e, ...target(e) }));

  const sticks = (e) => e && (style(e).position === "sticky" || sticks(e.parentElement));

  // small lists the targets below 44 px (WCAG 2.5.5), and those that lie over one another. What scrolls passes below a bar that sticks.
  function small() {
    const list = targets();
    const faults = list.filter((t) => t.bottom - t.top < 43.5 || t.right - t.left < 43.5).map((t) => `${px(t.right - t.left)} by ${px(t.bottom - t.top)} are a small target: ${name(t.e)}`);
    for (const [i, a] of list.entries()) {
      for (const b of list.slice(i + 1)) {
        if (a.e.contains(b.e) || b.e.contains(a.e) || a.e.closest(".entry") === (b.e.closest(".entry") ?? false) || Boolean(sticks(a.e)) !== Boolean(sticks(b.e))) continue;
        const gap = Math.max(Math.max(a.left, b.left) - Math.min(a.right, b.right), Math.max(a.top, b.top) - Math.min(a.bottom, b.bottom));
        if (gap < -0.5) faults.push(`${px(-gap)} are shared by ${name(a.e)} and ${name(b.e)}`);
        else if (gap < 7.5 && a.e.matches(".button") && b.e.matches(".button")) faults.push(`only ${px(gap)} lie between ${name(a.e)} and ${name(b.e)}`);
      }
    }
    return faults;
  }

  // broad lists buttons wider than a form: on a tablet they are as wide as what they say, or as the fields.
  const broad = () => all("button, .button").filter((e) => shown(e) && box(e).width > 34.5 * 16).map((e) => `a button is ${px(box(e).width)} wide: ${name(e)}`);

  // Spacing

  function spaced() {
    const main = document.querySelector("main");
    const faults = [];
    const hasText = (e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    const inside = all("main *").filter(shown);
    const leaves = inside.filter((e) => hasText(e) || e.matches("input, select, button, img, svg"));
    const boxes = inside.filter((e) => !style(e).display.startsWith("inline") && painted(e));
    const marks = [...new Set([...leaves, ...boxes])];
    for (const heading of inside.filter((e) => e.matches("h1, h2, h3"))) {
      const h = box(heading);
      const above = marks.filter((e) => !e.contains(heading) && !heading.contains(e) && box(e).bottom <= h.top + 4 && box(e).left < h.right && box(e).right > h.left);
      const gap = h.top - Math.max(-Infinity, ...above.map((e) => box(e).bottom));
      if (gap < (heading.tagName === "H1" ? 4 : 12)) faults.push(`only ${px(gap)} stand above the heading ${name(heading)}`);
    }
    for (const e of leaves.filter((e) => hasText(e) && !e.closest("svg, table"))) {
      const s = style(e);
      const r = box(e);
      const left = r.left + parseFloat(s.paddingLeft);
      const right = r.right - parseFloat(s.paddingRight);
      if (left < 12 || document.documentElement.clientWidth - right < 12) faults.push(`text touches the edge of the screen: ${name(e)}`);
      const framed = (side) => boxes.filter((b) => b.contains(e) && (line(style(b), side) || under(b) !== under(b.parentElement))).map(box).at(-1);
      const [before, after] = [framed("Left"), framed("Right")];
      if (left - (before?.left ?? -9) < 5.5 || (after?.right ?? 1e4) - right < 5.5) faults.push(`text touches the edge of what it stands in: ${name(e)}`);
    }
    // The page is a column: between two things stands no room that another one would fit in.
    const column = marks.flatMap((e) => [box(e)].flatMap((r) => (!leaves.includes(e) ? [[r.top, r.top + 1], [r.bottom - 1, r.bottom]] : [[r.top, r.bottom]]))).sort((a, b) => a[0] - b[0]);
    let end = column[0]?.[0] ?? 0;
    for (const [top, bottom] of column) {
      if (top - end > 72) faults.push(`${px(top - end)} stand empty at ${px(end + scrollY)}`);
      end = Math.max(end, bottom);
    }
    return faults;
  }

  // Colours that the reader forces

  let grounds = [];
  let modified = [];

  // What carries no meaning, or carries it in words or a symbol of its own.
  const plain = "[type=checkbox], [type=radio], .plate, code, .bars, .mark, .qr, .code, thead, tr, td, th, .bound";
  const unstated = /^(button-(quiet|plain|wide|out|dialog)|device-digest|device-current|page-narrow|masthead-plain|code-answer|notice-(text|detail))$/;
  const stated = "[aria-current], [aria-pressed=true], [aria-selected=true], [aria-checked=true], [aria-invalid=true], [aria-disabled=true], [aria-busy=true], [readonly], :disabled";
  const attributes = ["aria-current", "aria-pressed", "aria-selected", "aria-checked", "aria-invalid", "aria-disabled", "aria-busy", "readonly", "disabled"];

  // modifiers are the classes that say a state: "notice-error" beside "notice".
  const modifiers = (e) => [...e.classList].filter((c) => c.includes("-") && e.classList.contains(c.slice(0, c.indexOf("-"))) && !unstated.test(c));

  const look = (e, part) => {
    const s = style(e, part);
    if (part && (s.content === "none" || s.content === "normal")) return "";
    return [s.backgroundColor, ...sides.map((side) => line(s, side)), s.outlineStyle === "none" ? "" : s.outlineStyle + s.outlineWidth + s.outlineColor, s.textDecorationLine, s.fill, part ? s.content + s.width + s.height : ""].join("|");
  };
  const looks = (e) => [e, ...all("rect, .icon, .event-sign", e)].slice(0, 12).flatMap((x) => [look(x), look(x, "::before"), look(x, "::after")]).join("\n");

  const colours = (e) => looks(e) + style(e).color;

  // without tells how an element looks without a state, by a function that looks.
  function without(e, state, looks) {
    const attribute = attributes.includes(state);
    const value = e.getAttribute(state);
    if (attribute) e.removeAttribute(state);
    else e.classList.remove(state);
    const seen = looks(e);
    if (attribute) e.setAttribute(state, value);
    else e.classList.add(state);
    return seen;
  }

  // free remembers, in colours of our own, what is set off by its ground, and which states can be seen.
  function free() {
    const visible = all("body *").filter(shown);
    grounds = visible.filter((e) => !e.matches(plain) && !e.closest("svg") && !clear(style(e).backgroundColor) && style(e).backgroundColor !== under(e.parentElement));
    modified = [];
    for (const e of visible) {
      const states = [...attributes.filter((a) => e.hasAttribute(a) && e.matches(stated) && e.getAttribute(a) !== "false"), ...modifiers(e)];
      for (const state of states) if (attributes.includes(state) || without(e, state, colours) !== colours(e)) modified.push([e, state]);
    }
    return [];
  }

  // forced compares, in the reader's colours: what stood on a ground of its own has an edge or a ground now; a state is a line, a
  // ground or a mark, not a colour of the text alone; and the focus can be seen.
  function forced() {
    if (!matchMedia("(forced-colors: active)").matches) return ["the colours are not forced"];
    const faults = new Set();
    for (const e of grounds) if (!painted(e)) faults.add(`the ground is lost of ${name(e)}`);
    for (const [e, state] of modified) if (without(e, state, looks) === looks(e)) faults.add(`${state} cannot be seen of ${name(e)}`);
    const button = all("button.button").find(shown);
    if (button) {
      const before = looks(button);
      button.setAttribute("aria-disabled", "true"); // as the script does when it has sent the form
      if (looks(button) === before) faults.add(`it cannot be seen that ${name(button)} waits`);
      button.removeAttribute("aria-disabled");
    }
    return [...faults, ...rings()];
  }

  // rings puts the focus on one element of each kind: a line must stand around it.
  function rings() {
    const kinds = new Map(all(acts).filter(shown).map((e) => [e.tagName + e.className + e.type, e]));
    const faults = [];
    for (const e of kinds.values()) {
      e.focus({ preventScroll: true });
      const s = style(e);
      if (document.activeElement === e && (s.outlineStyle === "none" || parseFloat(s.outlineWidth) < 2 || s.outlineColor === under(e.parentElement))) faults.push(`the focus cannot be seen on ${name(e)}`);
      e.blur();
    }
    return faults;
  }

  // Paper

  // printed looks at the page as it is printed, by someone who prefers dark.
  function printed() {
    const faults = all("nav, footer, .skip, button, .button, summary").filter((e) => e.checkVisibility()).map((e) => `it is printed: ${name(e)}`);
    for (const e of all("body *").filter((e) => shown(e) && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))) {
      if (style(e).color !== "rgb(0, 0, 0)" || under(e) !== "rgb(255, 255, 255)") faults.push(`${style(e).color} on ${under(e)} is printed: ${name(e)}`);
      if (e.tagName === "A" && /http|attr|\//.test(style(e, "::after").content)) faults.push(`an address is printed behind ${name(e)}`);
    }
    return [...faults, ...wide()];
  }

  // Questions

  // ask shows the page's question as a dialog, as a link to it does.
  async function ask() {
    if (!document.querySelector("main [data-question]")) return false;
    const link = document.createElement("a");
    link.href = location.href;
    link.dataset.ask = "";
    document.body.append(link);
    link.click();
    link.remove();
    while (!document.querySelector("dialog[open]")) await new Promise((next) => setTimeout(next, 5));
    return true;
  }

  // decision: wherever the question is scrolled to, what it can be answered with is in sight, and so is some of the question.
  function decision() {
    const dialog = document.querySelector("dialog[open]");
    const d = box(dialog);
    const row = dialog.querySelector(".decision");
    const faults = [];
    if (d.top < 0 || d.left < 0 || d.bottom > innerHeight || d.right > innerWidth) faults.push("the dialog is larger than the window");
    if (dialog.scrollWidth > dialog.clientWidth) faults.push("the dialog scrolls sideways");
    for (const at of [0, dialog.scrollHeight / 2, dialog.scrollHeight]) {
      dialog.scrollTop = at;
      for (const b of all(".button", row)) {
        const r = box(b);
        if (r.top < d.top || r.bottom > d.bottom || !b.contains(document.elementFromPoint((r.left + r.right) / 2, (r.top + r.bottom) / 2))) faults.push(`scrolled by ${px(at)}, ${name(b)} is out of sight`);
      }
    }
    for (const b of all(".button", row)) {
      const range = document.createRange();
      for (const word of b.textContent.matchAll(/[^\s-]+/g)) {
        const text = [...b.childNodes].find((n) => n.nodeType === 3 && n.data.includes(word[0]));
        if (!text) continue;
        range.setStart(text, text.data.indexOf(word[0]));
        range.setEnd(text, text.data.indexOf(word[0]) + word[0].length);
        if (new Set([...range.getClientRects()].map((r) => r.top)).size > 1) faults.push(`the word ${word[0]} is broken in ${name(b)}`);
      }
    }
    if (box(row).height > 0.66 * d.height) faults.push(`the answers take ${px(box(row).height)} of ${px(d.height)}`);
    dialog.scrollTop = 0;
    return faults;
  }

  return { wide, small, broad, spaced, free, forced, rings, printed, ask, decision };
})();
