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

  // Relative times, in the words of views/when.go.
  const minute = 60e3;
  const hour = 60 * minute;
  const day = 24 * hour;
  const count = (n, noun) => (n === 1 ? `1 ${noun}` : `${n} ${noun}s`);
  const midnights = (from, to) => Math.floor(to / day) - Math.floor(from / day);

  function span(length, days) {
    if (length < hour) return count(Math.floor(length / minute), "minute");
    if (length < day) return count(Math.floor(length / hour), "hour");
    if (days < 14) return count(days, "day");
    if (days < 60) return count(Math.floor(days / 7), "week");
    if (days < 365) return count(Math.floor(days / 30), "month");
    return count(Math.floor(days / 365), "year");
  }

  const wordings = {
    ago(then, now) {
      if (now - then < minute) return "just now";
      if (now - then >= day && midnights(then, now) === 1) return "yesterday";
      return `${span(now - then, midnights(then, now))} ago`;
    },
    until(then, now) {
      if (then - now < minute) return "in a moment";
      if (then - now >= day && midnights(now, then) === 1) return "tomorrow";
      return `in ${span(then - now, midnights(now, then))}`;
    },
  };

  // The server's clock goes on from where it stood when the page was made: a borrowed phone's own may be wrong.
  function freshen() {
    const clock = document.querySelector('meta[name="clock"]');
    if (!clock || root.lang !== "en") return; // these words are English
    const now = Date.parse(clock.content) + performance.now();
    for (const time of document.querySelectorAll("time[data-relative]")) {
      const words = wordings[time.dataset.relative](Date.parse(time.dateTime), now);
      if (time.textContent !== words) time.textContent = words;
    }
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
    button.setAttribute("aria-pressed", String(on));
    show.hidden = on;
    hide.hidden = !on;
  }

  function strength(field, line) {
    const letters = Array.from(field.value);
    const missing = field.minLength - letters.length;
    const words = line.dataset;
    if (!letters.length) line.textContent = "";
    else if (missing > 0) line.textContent = JSON.parse(words.missing)[missing - 1];
    else if (new Set(letters).size < 6) line.textContent = words.easy;
    else line.textContent = letters.length >= field.minLength + 6 ? words.good : words.enough;
  }

  // Passkeys. A part of a form asks the device for one, or has it make one; what the device answers goes into the part's hidden field.
  const passkeysWork = Boolean(window.PublicKeyCredential?.parseRequestOptionsFromJSON && PublicKeyCredential.parseCreationOptionsFromJSON);
  const answerOf = (part) => part.querySelector("input");
  const unanswered = (form) => [...form.querySelectorAll("[data-passkey][data-must]")].find((part) => !answerOf(part).value);
  let waiting = null; // ends what the browser offers while a person types

  // say shows the words of that name, or none.
  function say(part, name) {
    const line = part.querySelector("[role=status]");
    line.textContent = name ? line.dataset[name] : "";
  }

  function readyPasskey(part) {
    answerOf(part).value = ""; // of a page that the browser kept: it was used
    part.querySelector("button").hidden = !passkeysWork;
    if (!passkeysWork) say(part, "unsupported");
    else if ("focus" in part.dataset) part.querySelector("button").focus();
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

  async function copy(button) {
    const text = document.getElementById(button.dataset.copy) || button.parentElement.querySelector("code");
    await navigator.clipboard.writeText(text.textContent);
    button.textContent = button.dataset.copied;
  }

  document.addEventListener("click", (event) => {
    const on = (selector) => event.target.closest(selector);
    const link = on("a[data-ask]");
    if (link && window.HTMLDialogElement && !event.button && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      if (!link.hasAttribute("aria-busy")) ask(link);
      return;
    }
    const button = on("button");
    if (!button) return;
    if ("colours" in button.dataset) choose(button.dataset.colours);
    if ("reveal" in button.dataset) reveal(button, button.getAttribute("aria-pressed") !== "true");
    if ("copy" in button.dataset) copy(button);
    if ("print" in button.dataset) print();
    if ("passkeyStart" in button.dataset && button.type === "button") usePasskey(button.closest("[data-passkey]"));
  });

  document.addEventListener("input", (event) => {
    const line = document.querySelector(`[data-strength="${event.target.id}"]`);
    if (line) strength(event.target, line);
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
    for (const part of document.querySelectorAll("[data-script], [data-reveal], [data-print]")) part.hidden = false;
    if (navigator.clipboard) for (const button of document.querySelectorAll("button[data-copy]")) button.hidden = false;
    colour(chosen());
    freshen();
    setInterval(freshen, 20e3);
    for (const part of document.querySelectorAll("[data-passkey]")) readyPasskey(part);
    offerPasskeys();
  });
  document.addEventListener("visibilitychange", freshen);
  addEventListener("online", () => document.querySelector(".toast")?.remove());
  addEventListener("pageshow", (event) => {
    for (const form of document.querySelectorAll("form[data-sent]")) sent(form, false);
    if (event.persisted) for (const part of document.querySelectorAll("[data-passkey]")) readyPasskey(part);
    if (event.persisted && account(document)) fetchAgain();
    else freshen();
  });
})();
