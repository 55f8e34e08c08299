// What pages do beside working: everything here is also done by the server, without it.
(() => {
  "use strict";

  // Colours. This runs before the page is drawn, so that the wrong ones never flash up.
  const root = document.documentElement;
  const key = "latchkey-colours";

  function chosen() {
    try {
      return localStorage.getItem(key) || "";
    } catch {
      return ""; // storage is turned off
    }
  }

  function colour(choice) {
    if (choice === "light" || choice === "dark") {
      root.dataset.theme = choice;
    } else {
      delete root.dataset.theme;
    }
    for (const ground of document.querySelectorAll('meta[name="theme-color"]')) {
      const scheme = ground.dataset.scheme;
      ground.media = root.dataset.theme ? (scheme === root.dataset.theme ? "all" : "not all") : `(prefers-color-scheme: ${scheme})`;
    }
    for (const button of document.querySelectorAll("[data-colours]")) {
      button.setAttribute("aria-pressed", String(button.dataset.colours === (root.dataset.theme || "")));
    }
  }

  function choose(choice) {
    colour(choice);
    try {
      localStorage.setItem(key, choice);
    } catch {
      // the choice holds for this page
    }
  }

  colour(chosen());
  addEventListener("storage", (event) => event.key === key && colour(event.newValue));

  // Times. The page has them in UTC; here they are in the reader's zone, each as one whole text that Intl makes in the page's
  // language, as the reader's region writes it. Digits and calendar are those of the rest of the page.
  function regional() {
    const written = (tag) => new Intl.Locale(tag).maximize();
    const page = written(root.lang);
    const same = navigator.languages.find((tag) => {
      try {
        return written(tag).language === page.language && written(tag).script === page.script;
      } catch {
        return false; // browsers send what their owner typed
      }
    });
    return new Intl.Locale(same || (root.lang === "en" ? "en-GB" : root.lang), { numberingSystem: "latn", calendar: "gregory" });
  }

  const locale = regional();
  const written = (options) => {
    const format = new Intl.DateTimeFormat(locale, options);
    return (at) => format.format(at);
  };
  const date = written({ day: "numeric", month: "long" });
  const dateYear = written({ day: "numeric", month: "long", year: "numeric" });
  const heading = written({ weekday: "long", day: "numeric", month: "long" });
  const headingYear = written({ weekday: "long", day: "numeric", month: "long", year: "numeric" });
  const clock = written({ hour: "numeric", minute: "2-digit" });
  const exact = written({ day: "numeric", month: "long", year: "numeric", hour: "numeric", minute: "2-digit", second: "2-digit", timeZoneName: "short" });
  const deadline = written({ day: "numeric", month: "long", year: "numeric", hour: "numeric", minute: "2-digit", timeZoneName: "short" });
  const counted = new Intl.RelativeTimeFormat(locale);
  const named = new Intl.RelativeTimeFormat(locale, { numeric: "auto" }); // "yesterday"

  const minute = 60e3;
  const hour = 60 * minute;
  const day = 24 * hour;
  // The days of the reader's calendar from one moment to another. A day may have 23 or 25 hours.
  const midnight = (at) => ((t) => Date.UTC(t.getFullYear(), t.getMonth(), t.getDate()))(new Date(at));
  const midnights = (from, to) => (midnight(to) - midnight(from)) / day;
  const sameYear = (one, other) => new Date(one).getFullYear() === new Date(other).getFullYear();

  // relative says how far from now a moment is, by the steps of views/when.go.
  function relative(at, now) {
    const away = Math.abs(at - now);
    const days = Math.abs(midnights(at, now));
    const say = (n, unit) => counted.format(at < now ? -Math.floor(n) : Math.floor(n), unit);
    if (away < hour) return say(away / minute, "minute");
    if (away < day) return say(away / hour, "hour");
    if (days === 1) return named.format(at < now ? -1 : 1, "day");
    if (days < 14) return say(days, "day");
    if (days < 60) return say(days / 7, "week");
    if (days < 365) return say(days / 30, "month");
    return say(days / 365, "year");
  }

  const kinds = {
    ago: (at, now, page) => (now - at < minute ? page.justNow : relative(at, now)),
    until: (at, now, page) => (at - now < minute ? page.inAMoment : relative(at, now)),
    day(at, now) {
      const days = midnights(at, now);
      if (days === 0 || days === 1) return named.format(-days, "day");
      return sameYear(at, now) ? date(at) : dateYear(at);
    },
    clock: (at) => clock(at),
    exact: (at) => exact(at),
    deadline: (at) => deadline(at),
  };

  // The server's clock goes on from where it stood when the page was made: a borrowed phone's own may be wrong.
  function serverClock() {
    const page = document.querySelector('meta[name="clock"]');
    return { now: page ? Date.parse(page.content) + performance.now() : Date.now(), words: page ? page.dataset : {} };
  }

  function freshen() {
    const { now, words } = serverClock();
    for (const time of document.querySelectorAll("time[data-when]")) {
      const at = Date.parse(time.dateTime);
      const text = kinds[time.dataset.when](at, now, words);
      if (text && time.textContent !== text) time.textContent = text;
      if (time.title) time.title = exact(at);
    }
  }

  // The events of a list come under the days of the reader's calendar.
  function cutByDay(list) {
    const { now } = serverClock();
    const sections = [...list.children];
    const events = sections.flatMap((section) => [...section.querySelectorAll("ul > li")]);
    const empty = sections[0].cloneNode(true);
    empty.querySelector("ul").replaceChildren();
    let last = null;
    let rest = null;
    list.replaceChildren();
    for (const event of events) {
      const at = Date.parse(event.querySelector("time").dateTime);
      if (midnight(at) !== last) {
        last = midnight(at);
        const section = empty.cloneNode(true);
        const title = section.querySelector("h2, h3");
        title.id = `day-${new Date(last).toISOString().slice(0, 10)}`;
        section.setAttribute("aria-labelledby", title.id);
        const days = midnights(at, now);
        title.textContent = [list.dataset.today, list.dataset.yesterday][days] || (sameYear(at, now) ? heading(at) : headingYear(at));
        list.append(section);
        rest = section.querySelector("ul");
      }
      rest.append(event);
    }
  }

  function inReadersZone() {
    for (const list of document.querySelectorAll("[data-days]")) cutByDay(list);
    for (const note of document.querySelectorAll("[data-utc]")) note.hidden = true;
    freshen();
  }

  // A private page that the browser kept comes back by "Back" as it was, also once its person has signed out: it is fetched
  // again, and shows nothing until then.
  function account(page) {
    const owner = page.querySelector('meta[name="account"]');
    return owner ? owner.content : "";
  }

  function fetchAgain() {
    root.hidden = true;
    location.replace(location.pathname + location.search);
  }

  // A form is sent once: a second click or Enter while its answer is on the way does nothing. After a while it may be sent again, as
  // the answer may never come.
  const patience = 10e3;
  const patient = new WeakMap();

  function sent(form, on) {
    clearTimeout(patient.get(form));
    form.toggleAttribute("data-sent", on);
    if (on) form.setAttribute("aria-busy", "true");
    else form.removeAttribute("aria-busy");
    for (const button of form.querySelectorAll('button[type="submit"]')) {
      if (on) button.setAttribute("aria-disabled", "true");
      else button.removeAttribute("aria-disabled");
    }
  }

  function sendOnce(event) {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.hasAttribute("data-sent")) {
      event.preventDefault();
      return;
    }
    sent(form, true);
    for (const line of form.querySelectorAll("[data-began]")) line.textContent = "";
    if ("download" in form.dataset) patient.set(form, setTimeout(began, refusal, form));
    else patient.set(form, setTimeout(sent, patience, form, false));
  }

  // A download leaves the page as it is, and a refusal brings another: when the page is still here after this time, the download has
  // begun. What was typed to confirm it, and a passkey that was used up, are forgotten as soon as the form was read.
  const refusal = 1e3;

  function began(form) {
    sent(form, false);
    for (const old of form.querySelectorAll(".notice-error, .problem")) old.remove(); // of a refusal before
    for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
    const line = form.querySelector("[data-began]");
    line.textContent = line.dataset.began;
    line.scrollIntoView({ block: "nearest" });
    announce(line.dataset.began);
  }

  function forget(form) {
    for (const field of form.querySelectorAll('input[type="password"], [name="code"], [data-passkey] > input:first-child')) field.value = "";
  }

  // Without a connection nothing is sent, and what was typed stays. The message floats, so that the page and the focus stay where they are.
  function offline(event) {
    document.querySelector(".toast")?.remove();
    if (navigator.onLine) return false;
    event.preventDefault();
    const toast = document.createElement("p");
    toast.className = "notice notice-error toast";
    toast.setAttribute("role", "alert");
    (event.target.closest("dialog") || document.body).append(toast);
    toast.textContent = document.body.dataset.offline;
    return true;
  }

  // Questions before an act: the page that asks is shown over this one. Whatever goes wrong, or when the question is meant for
  // another person who has signed in since, the link is followed.
  async function ask(link) {
    link.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(link.href);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const question = page.querySelector("[data-question]");
      if (!answer.ok || answer.redirected || !question || account(page) !== account(document)) throw new Error("no question");
      show(document.importNode(question, true));
    } catch {
      location.assign(link.href);
    } finally {
      link.removeAttribute("aria-busy");
    }
  }

  function show(question) {
    const dialog = document.createElement("dialog");
    dialog.className = "ask";
    dialog.setAttribute("aria-labelledby", "question");
    dialog.append(question);
    const old = question.querySelector("h1");
    const heading = document.createElement("h2");
    heading.id = "question";
    heading.tabIndex = -1;
    heading.autofocus = true; // not the button: a second Enter must not act
    heading.append(...old.childNodes);
    old.replaceWith(heading);
    dialog.addEventListener("close", () => dialog.remove());
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog || event.target.closest("[data-cancel]")) {
        event.preventDefault();
        dialog.close();
      }
    });
    document.body.append(dialog);
    dialog.showModal();
  }

  // What is said here, the page gives in data attributes of the element that shows it, so that it is in the page's language.

  // Passwords are shown only while their owner wants it, and never as text to the browser's memory of forms.
  function reveal(button, on) {
    const field = document.getElementById(button.dataset.reveal);
    const [show, hide] = button.children;
    field.type = on ? "text" : "password";
    show.hidden = on;
    hide.hidden = !on;
  }

  // The page has one live region. What changes with every key is told once, after the last one.
  const pause = 1e3; // after the last key
  let saying = 0;

  function announce(text, delay = 0) {
    const line = document.getElementById("said");
    clearTimeout(saying);
    line.textContent = "";
    saying = setTimeout(() => {
      line.textContent = text;
      saying = setTimeout(() => (line.textContent = ""), 5e3); // no one comes upon it later
    }, delay);
  }

  function strength(field, line) {
    const letters = Array.from(field.value);
    const missing = field.minLength - letters.length;
    const words = line.dataset;
    if (!letters.length) line.textContent = "";
    else if (missing > 0) line.textContent = JSON.parse(words.missing)[missing - 1];
    else if (new Set(letters).size < 6) line.textContent = words.easy;
    else line.textContent = letters.length >= field.minLength + 6 ? words.good : words.enough;
    announce(line.textContent, pause);
  }

  // The list of devices is searched while a person types. What was selected stays so, also where it is not found.
  const picked = new Set();
  const boxes = () => [...document.querySelectorAll('.pick input[name="device"]')];
  let finding = null; // the search that is on its way
  let soon = 0;

  function showPicked() {
    const form = document.getElementById("selection");
    if (!form) return;
    const listed = boxes();
    for (const box of listed) box.checked = picked.has(box.value);
    for (const kept of form.querySelectorAll('input[type="hidden"]')) kept.remove();
    for (const id of picked) {
      if (listed.some((box) => box.value === id)) continue;
      const kept = document.createElement("input");
      kept.type = "hidden";
      kept.name = "device";
      kept.value = id;
      form.append(kept);
    }
    form.querySelector("[data-picked]").textContent = picked.size ? `(${picked.size})` : "";
    form.classList.toggle("selection-on", picked.size > 0);
    const all = document.querySelector("[data-pick-all]");
    if (!all) return;
    const some = listed.filter((box) => box.checked).length;
    all.checked = some > 0 && some === listed.length;
    all.indeterminate = some > 0 && some < listed.length;
  }

  function pick(box) {
    for (const one of "pickAll" in box.dataset ? boxes() : [box]) {
      if (box.checked) picked.add(one.value);
      else picked.delete(one.value);
    }
    showPicked();
  }

  async function find(form) {
    const url = new URL(form.action);
    url.search = new URLSearchParams(new FormData(form));
    finding = new AbortController();
    try {
      const answer = await fetch(url, { signal: finding.signal });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const found = page.querySelector("[data-found]");
      if (!answer.ok || answer.redirected || !found || account(page) !== account(document)) return;
      const list = document.importNode(found, true);
      document.querySelector("[data-found]").replaceWith(list);
      useScripts(list);
      showPicked();
      inReadersZone();
      announce(list.querySelector("[data-count]").textContent.trim(), pause);
    } catch {
      // the button searches too
    }
  }

  function findSoon(form) {
    finding?.abort();
    clearTimeout(soon);
    soon = setTimeout(() => find(form), 250);
  }

  // Passkeys. A part of a form asks the device for one, or has it make one; what the device answers goes into the part's hidden field.
  const passkeysWork = Boolean(window.PublicKeyCredential?.parseRequestOptionsFromJSON && PublicKeyCredential.parseCreationOptionsFromJSON);
  const answerOf = (part) => part.querySelector("input");
  const unanswered = (form) => [...form.querySelectorAll("[data-passkey][data-must]")].find((part) => !answerOf(part).value);
  let waiting = null; // ends what the browser offers while a person types

  // say shows the words of that name, or none.
  function say(part, name) {
    const line = part.querySelector(".passkey-said");
    line.textContent = name ? line.dataset[name] : "";
    announce(line.textContent);
  }

  function readyPasskey(part) {
    answerOf(part).value = ""; // of a page that the browser kept: it was used
    part.querySelector("button").hidden = !passkeysWork || "quiet" in part.dataset;
    if (!passkeysWork) say(part, "unsupported");
    else if ("focus" in part.dataset && !document.querySelector("[autofocus]")) part.querySelector("button").focus();
  }

  async function passkey(part, more) {
    const options = JSON.parse(part.dataset.options);
    const credential = part.dataset.passkey === "create"
      ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
      : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options), ...more });
    answerOf(part).value = JSON.stringify(credential.toJSON());
  }

  // Browsers tell of a refusal and of a timeout in the same way, so that no page learns which passkeys there are.
  function excuse(part, error, took) {
    if (error.name === "InvalidStateError") return "duplicate";
    if (error.name !== "NotAllowedError" && error.name !== "AbortError") return "failed";
    return took >= (JSON.parse(part.dataset.options).timeout || Infinity) ? "slow" : "cancelled";
  }

  // typed are the fields that a person would fill in instead of using this passkey.
  function typed(part) {
    const around = part.dataset.passkey === "get" && part.closest("fieldset");
    return around ? [...around.querySelectorAll("input:not([type=hidden]):not([readonly])")] : [];
  }

  function busy(button, on) {
    for (const name of ["aria-busy", "aria-disabled"]) {
      if (on) button.setAttribute(name, "true");
      else button.removeAttribute(name);
    }
  }

  // The form is checked before the device is asked, without what the passkey replaces, and sent afterwards. A form that makes a
  // passkey may take two: the one that confirms waits for the other.
  async function usePasskey(part) {
    const form = part.closest("form");
    const button = part.querySelector("button");
    if (button.hasAttribute("aria-busy") || form.hasAttribute("data-sent")) return;
    const others = () => [...form.querySelectorAll("[data-passkey][data-must]")].some((other) => other !== part && !answerOf(other).value);
    const needTyped = (on) => typed(part).forEach((field) => (field.required = on));
    needTyped(false);
    if (!others() && !form.reportValidity()) {
      needTyped(true);
      return;
    }
    const began = performance.now();
    waiting?.abort();
    busy(button, true);
    say(part, "follow");
    try {
      await passkey(part);
      say(part, others() ? "confirmed" : "");
      if (!others()) form.requestSubmit();
    } catch (error) {
      needTyped(true);
      say(part, excuse(part, error, performance.now() - began));
      offerPasskeys();
    } finally {
      busy(button, false);
    }
  }

  // The sign-in form's passkeys are offered by the browser among the addresses that it fills in, until the button is pressed.
  async function offerPasskeys() {
    const part = document.querySelector("form[data-conditional] [data-passkey]");
    if (!part || !passkeysWork || !(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
    waiting = new AbortController();
    try {
      await passkey(part, { mediation: "conditional", signal: waiting.signal });
      part.closest("form").requestSubmit();
    } catch {
      // the form is there, and the button
    }
  }

  // The pressed button says that it is done until another one is pressed. A screen reader hears it by the page's live region, for
  // it does not read a button again whose name changes.
  let restore = null;

  async function copy(button) {
    const text = document.getElementById(button.dataset.copy) || button.parentElement.querySelector("code");
    await navigator.clipboard.writeText(text.textContent);
    restore?.();
    const label = [...button.childNodes];
    restore = () => button.replaceChildren(...label);
    button.textContent = button.dataset.copied;
    announce(button.dataset.copied);
  }

  // useScripts shows what works with scripts only.
  function useScripts(within) {
    for (const part of within.querySelectorAll("[data-script], [data-reveal], [data-print]")) part.hidden = false;
  }

  document.addEventListener("click", (event) => {
    const on = (selector) => event.target.closest(selector);
    const link = on("a[data-ask]");
    if (link && window.HTMLDialogElement && !event.button && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      if (!link.hasAttribute("aria-busy")) ask(link);
      return;
    }
    const time = on("time[title]");
    if (time) time.toggleAttribute("data-exact");
    const button = on("button");
    if (!button) return;
    if ("colours" in button.dataset) choose(button.dataset.colours);
    if ("reveal" in button.dataset) reveal(button, button.lastElementChild.hidden);
    if ("copy" in button.dataset) copy(button);
    if ("print" in button.dataset) print();
    if ("passkeyStart" in button.dataset && button.type === "button") usePasskey(button.closest("[data-passkey]"));
  });

  document.addEventListener("input", (event) => {
    const line = document.querySelector(`[data-strength="${event.target.id}"]`);
    if (line) strength(event.target, line);
    const form = event.target.closest("form[data-find]");
    if (form) findSoon(form);
  });

  document.addEventListener("change", (event) => {
    if (event.target.closest(".pick, .pick-all")) pick(event.target);
  });

  document.addEventListener("submit", (event) => {
    if (offline(event)) return;
    const part = unanswered(event.target);
    if (part) {
      event.preventDefault();
      usePasskey(part);
      return;
    }
    sendOnce(event);
    for (const button of event.target.querySelectorAll("[data-reveal]")) reveal(button, false);
    if ("download" in event.target.dataset) setTimeout(forget, 0, event.target);
  });

  document.addEventListener("DOMContentLoaded", () => {
    useScripts(document);
    for (const box of boxes()) if (box.checked) picked.add(box.value);
    showPicked();
    if (navigator.clipboard) for (const button of document.querySelectorAll("button[data-copy]")) button.hidden = false;
    colour(chosen());
    inReadersZone();
    setInterval(freshen, 20e3);
    for (const part of document.querySelectorAll("[data-passkey]")) readyPasskey(part);
    offerPasskeys();
    document.querySelector("form[data-go]")?.requestSubmit();
  });
  document.addEventListener("visibilitychange", freshen);
  addEventListener("online", () => document.querySelector(".toast")?.remove());
  // Some browsers let autofocus put the focus into fields only. The others have done it by the second frame.
  addEventListener("load", () => requestAnimationFrame(() => requestAnimationFrame(() => {
    if (document.activeElement === document.body) document.querySelector(".notice[autofocus]")?.focus();
  })));
  addEventListener("pageshow", (event) => {
    for (const form of document.querySelectorAll("form[data-sent]")) sent(form, false);
    if (event.persisted) for (const part of document.querySelectorAll("[data-passkey]")) readyPasskey(part);
    if (event.persisted && account(document)) fetchAgain();
    else freshen();
  });
})();
