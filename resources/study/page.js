// SPDX-License-Identifier: MIT
// The questionnaire: one page a question, progress kept in this browser, answers as a JSON file at the end.
// It knows no right answers (but those of the practice questions) and asks nothing of the network.
"use strict";
(() => {
  const study = JSON.parse(document.getElementById("study").textContent);
  const words = study.words;
  const main = document.getElementById("main");
  const KEEP = "latent-explorer-study-" + study.id;
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  let playing = !still.matches;
  let keeps = true;
  let cleanUp = () => {};

  // Small helpers ------------------------------------------------------------------------------------------------

  const say = (name, values = {}) =>
    words[name].replace(/\{(\w+)\}/g, (whole, key) => (key in values ? values[key] : whole));

  function make(tag, properties = {}, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (name === "class") made.className = value;
      else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
      else if (name in made) made[name] = value;
      else made.setAttribute(name, value);
    }
    made.append(...children);
    return made;
  }

  const paragraphs = (text) => {
    const box = make("div", { class: "text" });
    for (const part of text.split(/\n\s*\n/)) if (part.trim()) box.append(make("p", {}, part.trim()));
    return box;
  };

  // Said aloud by screen readers; `heard` alone where the same words stand on the page already.
  const announce = (text, heard = false) => {
    const said = document.getElementById("said");
    said.className = heard ? "heard" : "";
    said.textContent = text;
  };

  // What is kept -------------------------------------------------------------------------------------------------

  function fresh() {
    const bytes = crypto.getRandomValues(new Uint8Array(8));
    const id = Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
    // Everybody begins at another place of the same circle, so that no question is always first or last.
    const turns = study.parts.map((part, i) => (bytes[i] * 256 + bytes[i + 2]) % Math.max(1, part.items.length));
    return { respondent: id, turns, page: 0, started: null, finished: null, stopped: false, answers: [], practice: [] };
  }

  function load() {
    try {
      const kept = JSON.parse(localStorage.getItem(KEEP));
      if (kept && Array.isArray(kept.answers) && Array.isArray(kept.turns)) return kept;
    } catch (error) { keeps = false; }
    return null;
  }

  function save() {
    try { localStorage.setItem(KEEP, JSON.stringify(person)); }
    catch (error) { keeps = false; }
  }

  const kept = load();
  let person = kept || fresh();
  let resumed = Boolean(kept && kept.page > 0 && !kept.finished);

  // The pages, in order ------------------------------------------------------------------------------------------

  function pagesOf() {
    const pages = [{ show: welcome }];
    study.parts.forEach((part, i) => {
      pages.push({ show: () => introduction(part) });
      if (part.practice) pages.push({ show: () => question(part, part.practice, true) });
      const turn = person.turns[i] || 0;
      [...part.items.slice(turn), ...part.items.slice(0, turn)]
        .forEach((item) => pages.push({ show: () => question(part, item, false), counts: true }));
    });
    pages.push({ show: end });
    return pages;
  }

  let pages = pagesOf();
  const total = pages.filter((page) => page.counts).length;

  function show() {
    cleanUp();
    cleanUp = () => {};
    const page = pages[Math.min(person.page, pages.length - 1)];
    const before = pages.slice(0, person.page).filter((p) => p.counts).length;
    const bar = document.getElementById("progress");
    bar.hidden = !page.counts;
    bar.max = total;
    bar.value = before;
    bar.setAttribute("aria-label", say("question", { n: before + 1, total }));
    document.getElementById("place").textContent = page.counts ? say("question", { n: before + 1, total }) : "";
    announce("");
    main.replaceChildren();
    page.show(before);
    window.scrollTo(0, 0);
    const head = main.querySelector("h1");
    const field = main.querySelector("input[type=text]");
    if (field && window.matchMedia("(hover: hover)").matches) field.focus();
    else if (head) { head.tabIndex = -1; head.focus(); }
    if (resumed) { resumed = false; announce(words.welcome_back); }
  }

  function next() {
    person.page += 1;
    save();
    show();
  }

  function welcome() {
    const agreed = make("input", { type: "checkbox", id: "agree" });
    const go = make("button", { class: "primary", id: "start", disabled: true }, words.start);
    agreed.addEventListener("change", () => { go.disabled = !agreed.checked; });
    go.addEventListener("click", () => { person.started = new Date().toISOString(); next(); });
    main.append(
      make("h1", {}, study.title), paragraphs(study.consent),
      ...(study.contact ? [make("p", { class: "hint" }, study.contact)] : []),
      make("label", { class: "check" }, agreed, make("span", {}, words.agree)),
      make("div", { class: "row" }, go),
      make("p", { class: "hint" }, words[keeps ? "saved" : "not_saved"]),
    );
  }

  function introduction(part) {
    main.append(
      make("h1", {}, words[part.kind === "verbal" ? "ask_words" : "ask_choice"]), paragraphs(part.text),
      make("p", { class: "hint keys" }, words[part.kind === "verbal" ? "keys_words" : "keys"]),
      make("div", { class: "row" }, make("button", { class: "primary", onclick: next }, words.continue)),
    );
    main.querySelector("button").id = "go";
  }

  // A question ---------------------------------------------------------------------------------------------------

  function question(part, item, practice) {
    const watch = stopwatch();
    const verbal = part.kind === "verbal";
    const view = verbal ? wordsView(part) : choiceView(part);
    const control = motion(part, item, view.tiles);
    const go = make("button", { class: "primary", id: "next", onclick: () => confirm() }, words.next);
    const told = make("div", {});
    let corrected = false;
    view.changed = () => watch.choose();
    main.append(
      make("h1", {}, words[verbal ? "ask_words" : "ask_choice"]),
      ...(practice ? [make("p", { class: "note" }, words.practice)] : []),
      view.box, told,
      make("div", { class: "row foot" }, go, control.box,
        ...(practice ? [] : [make("button", { class: "quiet end", onclick: stop }, words.stop)])),
      make("p", { class: "hint keys" }, words[verbal ? "keys_words" : "keys"]),
    );

    function confirm() {
      const answer = view.answer();
      if (!answer) { announce(words[verbal ? "first_write" : "first_choose"]); view.focus(); return; }
      if (practice && !corrected) return feedback(answer);
      record(item, answer, practice);
      next();
    }

    function feedback(answer) {
      const right = verbal || answer === item.right;
      const text = verbal ? words.model_answer : words[right ? "right" : "wrong"];
      told.replaceChildren(make("p", { class: "note " + (right ? "good" : "bad"), id: "feedback" }, text));
      announce(text, true);
      corrected = right;
      if (right) { go.textContent = words.continue; go.focus(); } else view.focus();
    }

    function record(asked, answer, isPractice) {
      const place = pages.slice(0, person.page + 1).filter((p) => p.counts).length;
      const entry = { item: asked.id, answer, position: place, ...watch.read(), plays: control.plays() };
      const list = isPractice ? person.practice : person.answers;
      const old = list.findIndex((one) => one.item === entry.item);
      if (old >= 0) list.splice(old, 1);
      list.push(entry);
    }

    const onKey = (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
      const typing = event.target.matches && event.target.matches("input[type=text], textarea");
      if (event.key === "Enter" && !(event.target instanceof HTMLButtonElement)) { event.preventDefault(); confirm(); }
      else if (typing) return;
      else if (event.key === "p" || event.key === "P") control.toggle();
      else if (!verbal && (event.key === "1" || event.key === "2")) view.choose(event.key);
      else if (!verbal && ["ArrowLeft", "ArrowUp"].includes(event.key)) { event.preventDefault(); view.choose("1"); }
      else if (!verbal && ["ArrowRight", "ArrowDown"].includes(event.key)) { event.preventDefault(); view.choose("2"); }
    };
    document.addEventListener("keydown", onKey);
    cleanUp = () => { document.removeEventListener("keydown", onKey); watch.end(); };
    control.ready.then(() => watch.begin());
  }

  // The time from the pictures being there to the last choice and to going on; without the time on another tab.
  function stopwatch() {
    let began = performance.now(), chosen = null, away = 0, left = null;
    const onHide = () => {
      if (document.hidden) left = performance.now();
      else if (left !== null) { away += performance.now() - left; left = null; }
    };
    document.addEventListener("visibilitychange", onHide);
    const since = () => Math.round(performance.now() - began - away);
    return {
      begin: () => { began = performance.now(); away = 0; },
      choose: () => { chosen = since(); },
      read: () => ({ ms: since(), choice_ms: chosen === null ? since() : chosen, away_ms: Math.round(away) }),
      end: () => document.removeEventListener("visibilitychange", onHide),
    };
  }

  function tile(part, place, label) {
    const [columns, rows] = part.grid, [column, row] = part.places[place];
    const shown = make("span", { class: "tile", role: "img", "aria-label": `${label}: ${words.changing}` });
    shown.style.aspectRatio = `${part.tile[0]} / ${part.tile[1]}`;
    shown.style.backgroundSize = `${part.size[0] / part.tile[0] * 100}% ${part.size[1] / part.tile[1] * 100}%`;
    const at = (i, n) => (n > 1 ? (i / (n - 1)) * 100 : 0);
    shown.style.backgroundPosition = `${at(column, columns)}% ${at(row, rows)}%`;
    return shown;
  }

  function choiceView(part) {
    const tiles = [];
    const add = (place, label) => { const made = tile(part, place, label); tiles.push(made); return made; };
    const examples = make("div", { class: "tiles" });
    for (const n of [1, 2])
      examples.append(make("div", { class: "example" }, add(n - 1, say("example", { n }))));
    const choices = make("div", { class: "tiles" });
    const radios = [1, 2].map((n) => {
      const radio = make("input", { type: "radio", name: "answer", value: String(n), "aria-label": say("choice", { n }) });
      choices.append(make("label", { class: "choice" }, radio, add(n + 1, say("choice", { n }))));
      return radio;
    });
    const view = {
      tiles, changed: () => {},
      box: make("div", { class: "classification" },
        make("div", { class: "group", role: "group", "aria-label": words.examples }, examples),
        make("div", { class: "group", role: "radiogroup", "aria-label": words.ask_choice }, choices)),
      answer: () => { const on = radios.find((radio) => radio.checked); return on ? on.value : ""; },
      choose: (value) => {
        const radio = radios[Number(value) - 1];
        radio.checked = true;
        radio.focus();
        view.changed();
      },
      focus: () => (radios.find((radio) => radio.checked) || radios[0]).focus(),
    };
    radios.forEach((radio) => radio.addEventListener("change", () => view.changed()));
    return view;
  }

  function wordsView(part) {
    const row = make("div", { class: "tiles" });
    const tiles = part.places.map((_, i) => tile(part, i, say("picture", { n: i + 1 })));
    row.append(...tiles.map((one) => make("div", { class: "example" }, one)));
    const field = make("input", { type: "text", id: "words", maxLength: 200, autocomplete: "off", "aria-label": words.ask_words });
    const view = {
      tiles, changed: () => {},
      box: make("div", { class: "verbal" }, row,
        make("label", { class: "hint", htmlFor: "words" }, words.ask_words_hint), make("div", {}, field)),
      answer: () => field.value.trim(),
      choose: () => {},
      focus: () => field.focus(),
    };
    field.addEventListener("input", () => view.changed());
    return view;
  }

  // Moving, or standing at before or after. Whoever asked the system for less motion begins with a picture that stands.
  function motion(part, item, tiles) {
    let state = "before", count = playing ? 1 : 0;
    const sources = { moving: item.moving, before: item.before, after: item.after };
    const pause = make("button", { class: "screen", id: "pause", onclick: () => toggle() });
    const other = () => (state === "before" ? "after" : "before");
    const flip = make("button", { class: "screen", id: "flip", onclick: () => { state = other(); draw(); announce(words["show_" + state], true); } });
    function draw() {
      const url = sources[playing ? "moving" : state];
      tiles.forEach((one) => { one.style.backgroundImage = `url("${url}")`; one.dataset.shows = playing ? "moving" : state; });
      pause.textContent = words[playing ? "pause" : "play"];
      flip.hidden = playing;
      flip.textContent = words["see_" + other()];
    }
    function toggle() {
      playing = !playing;
      count += playing ? 1 : 0;
      state = "before";
      draw();
    }
    const loading = Object.values(sources).map((url) => new Promise((resolve) => {
      const image = new Image();
      image.onload = resolve;
      image.onerror = () => { announce(words.not_loaded); resolve(); };
      image.src = url;
    }));
    draw();
    return { box: make("span", { class: "row", style: "margin:0" }, pause, flip), toggle, plays: () => count,
      ready: Promise.all(playing ? loading.slice(0, 1) : loading) };
  }

  // The end ------------------------------------------------------------------------------------------------------

  function stop() {
    if (!window.confirm(words.stop_sure)) return;
    person.stopped = true;
    person.page = pages.length - 1;
    save();
    show();
  }

  function result() {
    const complete = person.answers.length === total;
    return {
      format: "latent-explorer-answers", version: 1, study: study.id, respondent: person.respondent,
      started: person.started, finished: person.finished, complete, reduced_motion: still.matches,
      answers: person.answers, practice: person.practice,
    };
  }

  function end() {
    if (!person.finished) { person.finished = new Date().toISOString(); save(); }
    const text = JSON.stringify(result(), null, 1);
    const name = `answers-${study.id}-${person.respondent}.json`;
    const area = make("textarea", { id: "answers", readOnly: true, value: text, "aria-label": words.or_copy });
    const download = make("button", { class: "primary", id: "download" }, words.download);
    download.addEventListener("click", () => {
      const url = URL.createObjectURL(new Blob([text + "\n"], { type: "application/json" }));
      make("a", { href: url, download: name }).click();
      setTimeout(() => URL.revokeObjectURL(url), 10000);
      announce(name);
    });
    const copy = make("button", { id: "copy" }, words.copy);
    copy.addEventListener("click", async () => {
      area.focus();
      area.select();
      try { await navigator.clipboard.writeText(text); announce(words.copied); }
      catch (error) { announce(document.execCommand && document.execCommand("copy") ? words.copied : words.copy_failed); }
    });
    const again = make("button", { class: "quiet", id: "again" }, words.again);
    again.addEventListener("click", () => {
      if (!window.confirm(words.again_sure)) return;
      person = fresh();
      pages = pagesOf();
      save();
      show();
    });
    main.append(
      make("h1", {}, words.done), ...(person.stopped ? [] : [paragraphs(study.thanks)]),
      ...(study.contact ? [make("p", {}, study.contact)] : []),
      make("div", { class: "row" }, download), make("p", {}, words.or_copy), area,
      make("div", { class: "row" }, copy, again),
    );
  }

  // On paper: every question with both states. index.html#paper, or printing from any page. -----------------------

  function paper() {
    const sheet = make("div", { class: "paper" }, make("h1", {}, study.title), paragraphs(study.consent));
    let n = 0;
    for (const part of study.parts) {
      const verbal = part.kind === "verbal";
      sheet.append(paragraphs(part.text));
      for (const item of part.items) {
        n += 1;
        const states = make("div", { class: "states" + (verbal ? " verbal-states" : "") });
        for (const state of ["before", "after"])
          states.append(make("img", { src: item[state], alt: words["show_" + state] }));
        const asked = make("p", {}, words[verbal ? "ask_words" : "ask_choice"]);
        if (verbal) asked.append(" ", make("span", { class: "line" }, "\u00a0"));
        else for (const c of [1, 2]) asked.append(make("span", { class: "box" }), say("choice", { n: c }));
        sheet.append(make("section", {}, make("h2", {}, `${say("question", { n, total })} (${item.id})`), states, asked));
      }
    }
    return sheet;
  }

  function layOnPaper() {
    const on = location.hash === "#paper";
    if (on && !document.querySelector(".paper")) document.body.append(paper());
    document.body.classList.toggle("on-paper", on);
  }

  window.addEventListener("hashchange", layOnPaper);
  layOnPaper();
  show();
})();
