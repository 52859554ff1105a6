"use strict";
// The page on which a file is given.

const BLOCKS_MAX = 3000; // of one page drawn over its picture; beyond, its text is shown in one piece
const STATE_EVERY_MS = 15000;

const form = find("form");
let file = null;
let request = null;
let adviceOf = null;

// -- giving a file

function take(files) {
  if (!files || files.length === 0) return tell(say("not_a_file"));
  if (files.length > 1) tell(say("one_file"));
  file = files[0];
  send(files.length > 1);
}

for (const id of ["file", "camera"]) {
  find(id).addEventListener("change", (event) => {
    if (event.target.files.length) take(event.target.files);
    event.target.value = ""; // the same file may be chosen again
  });
}

document.addEventListener("dragover", (event) => {
  event.preventDefault();
  form.classList.add("over");
});
document.addEventListener("dragleave", (event) => {
  if (event.relatedTarget === null) form.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  form.classList.remove("over");
  take(event.dataTransfer.files);
});
document.addEventListener("paste", (event) => {
  if (event.clipboardData.files.length) take(event.clipboardData.files);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (file) send();
});
find("cancel").addEventListener("click", () => {
  if (!request) return;
  request.abort();
  finish();
  tell(say("stopped"));
});

// -- while it is read

function makeTicket() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function fillForm() {
  const body = new FormData();
  for (const name of ["engine", "page_range", "password"]) {
    const value = form.elements[name].value.trim();
    if (value) body.append(name, value);
  }
  if (form.elements.force_ocr.checked) body.append("force_ocr", "true");
  body.append("output_format", "markdown");
  body.append("include_images", "true");
  body.append("timeout_s", "300");
  body.append("file", file, file.name || "pasted");
  return body;
}

function send(keepWords = false) {
  if (request) request.abort();
  finish();
  if (!keepWords) find("result").replaceChildren();
  const ticket = makeTicket();
  const began = performance.now();
  const mine = new XMLHttpRequest();
  request = mine;
  find("progress").hidden = false;
  find("again").hidden = false;
  showStage(say("sending", { percent: 0 }), null);
  const clock = setInterval(() => {
    find("elapsed").textContent = say("elapsed", { seconds: ((performance.now() - began) / 1000).toFixed(0) });
  }, 250);
  let progress = null;
  mine.upload.addEventListener("progress", (event) => {
    if (event.lengthComputable) {
      showStage(say("sending", { percent: Math.floor((100 * event.loaded) / event.total) }), event.loaded / event.total);
    }
  });
  mine.upload.addEventListener("load", () => {
    progress = watch(ticket);
  });
  mine.addEventListener("loadend", () => {
    clearInterval(clock);
    if (progress) progress.close();
    if (request !== mine) return;
    finish();
    const answer = parse(mine.responseText);
    if (answer && answer.code === 0) showDocument(answer.data, (performance.now() - began) / 1000);
    else if (answer && answer.error) showFailure(answer);
    else tell(say("unreachable"), true);
  });
  mine.open("POST", form.dataset.convert);
  mine.setRequestHeader("X-Request-Id", ticket);
  mine.setRequestHeader("Accept", "application/json");
  mine.setRequestHeader("Accept-Language", form.dataset.language);
  mine.send(fillForm());
}

function watch(ticket) {
  const source = new EventSource(form.dataset.progress + ticket);
  source.addEventListener("stage", (event) => {
    const { stage, pages_done: done, pages } = JSON.parse(event.data);
    showStage(say("stage_" + stage, { done, pages }), stage === "reading" && pages ? done / pages : null);
  });
  source.addEventListener("end", () => source.close());
  return source;
}

function showStage(text, share) {
  if (find("stage").textContent !== text) find("stage").textContent = text;
  if (share === null) find("bar").removeAttribute("value");
  else find("bar").value = share;
}

function finish() {
  request = null;
  find("progress").hidden = true;
  find("elapsed").textContent = "";
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

// -- what came of it

function tell(text, bad = false) {
  find("result").replaceChildren(make("p", { class: bad ? "notice bad" : "notice", role: "alert" }, text));
}

async function findAdvice(reason) {
  adviceOf ??= fetch(form.dataset.errors, { headers: { Accept: "application/json" } })
    .then((response) => response.json())
    .then((answer) => new Map(answer.data.map((entry) => [entry.reason, entry.user_advice])))
    .catch(() => {
      adviceOf = null;
      return new Map();
    });
  return (await adviceOf).get(reason)?.[form.dataset.language] ?? "";
}

function showFailure(answer) {
  const { error } = answer;
  const advice = make("p");
  const again = make("button", { type: "button" }, say("try_again"));
  again.addEventListener("click", () => send());
  const box = make(
    "section",
    { class: "failure", role: "alert" },
    make("h2", {}, say("failed")),
    make("p", {}, answer.message),
    advice,
    error.details.length > 1 ? listDetails(error.details) : null,
    make(
      "p",
      { class: "soft" },
      linkError(error),
      " · ",
      say("number", { id: answer.request_id }),
    ),
    error.retryable ? again : null,
  );
  find("result").replaceChildren(box);
  if (words.locked.includes(error.reason)) askForPassword();
  findAdvice(error.reason).then((text) => advice.append(text));
}

function linkError({ doc_url: path }) {
  const prefixed = path.startsWith(words.base + "/errors") ? path : words.base + path;
  return make("a", { href: `${prefixed}?lang=${form.dataset.language}` }, say("more"));
}

function listDetails(details) {
  const lines = details.slice(0, 50).map((detail) => {
    const page = detail.page ? say("page", { number: detail.page }) + ": " : "";
    return make("li", {}, page + detail.reason);
  });
  return make("ul", { class: "warnings" }, ...lines);
}

function askForPassword() {
  form.querySelector("details").open = true;
  form.elements.password.focus();
}

function showDocument(doc, seconds) {
  const read = doc.pages.filter((page) => page.error === null && page.status !== "skipped").length;
  const slots = { read, pages: doc.pages_requested, seconds: seconds.toFixed(1) };
  const own = doc.warnings.filter((warning) => !warning.page);
  const summary = make(
    "section",
    { class: "summary" },
    make("h2", { class: "file-name" }, doc.filename || say("done", slots)),
    make("p", { role: "status" }, say("done", slots)),
    doc.status === "succeeded" ? null : make("p", { class: "notice" }, say("partly")),
    own.length ? listWarnings(own) : null,
    makeButtons(doc),
  );
  find("result").replaceChildren(summary, ...doc.pages.map(showPage));
  find("result").focus({ preventScroll: true });
  summary.scrollIntoView({ block: "start" });
}

function makeButtons(doc) {
  const text = doc.pages.map((page) => page.text).join("\n\n");
  const copy = make("button", { type: "button", id: "copy" }, say("copy"));
  copy.addEventListener("click", async () => {
    copy.textContent = (await copyText(doc.markdown ?? text)) ? say("copied") : say("not_copied");
  });
  const data = { ...doc, pages: doc.pages.map(({ image, ...page }) => page) };
  const name = (doc.filename || "text").replace(/\.[^.]*$/, "");
  return make(
    "p",
    { class: "buttons" },
    copy,
    makeDownload(name + ".md", "text/markdown", () => doc.markdown ?? text),
    makeDownload(name + ".txt", "text/plain", () => text),
    makeDownload(name + ".json", "application/json", () => JSON.stringify(data, null, 2)),
  );
}

async function copyText(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text).then(() => true, () => false);
  const area = make("textarea", { class: "hidden-input" }); // without TLS there is no clipboard API
  area.value = text;
  document.body.append(area);
  area.select();
  const copied = document.execCommand("copy");
  area.remove();
  return copied;
}

function makeDownload(name, type, content) {
  const button = make("button", { type: "button" }, `${say("download")} ${name.slice(name.lastIndexOf("."))}`);
  button.addEventListener("click", () => {
    const url = URL.createObjectURL(new Blob([content()], { type: type + ";charset=utf-8" }));
    make("a", { href: url, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(url), 60000);
  });
  return button;
}

function listWarnings(warnings) {
  const lines = warnings.map(({ reason }) => make("li", {}, words.notices[reason] ?? reason));
  return make("ul", { class: "warnings" }, ...lines);
}

function nameReader(page) {
  if (page.engine === "text_layer" || page.engine === "native") return say("by_nobody");
  if (page.engine === "vl" && page.model) return say("by", { engine: say("engine_vl_named", { model: page.model }) });
  return page.engine === "none" ? "" : say("by", { engine: say("engine_" + page.engine) });
}

function showPage(page) {
  const head = make(
    "div",
    { class: "page-head" },
    make("h3", {}, say("page", { number: page.number })),
    make("span", { class: "soft" }, nameReader(page)),
    page.quality ? make("span", { class: "grade " + page.quality.grade }, say("grade_" + page.quality.grade)) : null,
  );
  const notes = [];
  if (page.degraded) notes.push(make("p", { class: "notice" }, say("degraded")));
  if (page.status === "blank") notes.push(make("p", { class: "soft" }, say("blank")));
  if (page.error) {
    notes.push(make("p", { class: "notice bad" }, page.error.message, " ", linkError(page.error)));
  }
  if (page.warnings.length) notes.push(listWarnings(page.warnings));
  const article = make("article", { class: "page", "data-page": page.number }, head, ...notes);
  if (page.error === null && page.status !== "blank") article.append(showSides(page));
  return article;
}

function showSides(page) {
  const placed = page.blocks.filter((block) => block.region).length > 0 && page.blocks.length <= BLOCKS_MAX;
  const figure = page.image && page.width_px ? showPicture(page, placed) : null;
  const text = placed && figure ? showBlocks(page) : make("pre", { class: "text" }, page.text);
  const sides = make("div", { class: figure ? "sides" : "sides one" }, figure, text);
  if (placed && figure) join(figure, text);
  return sides;
}

function showPicture(page, placed) {
  const svg = draw("svg", { viewBox: `0 0 ${page.width_px} ${page.height_px}`, role: "img" });
  svg.setAttribute("aria-label", say("picture_of", { number: page.number }));
  svg.append(draw("image", { href: page.image, width: page.width_px, height: page.height_px, preserveAspectRatio: "none" }));
  if (placed) {
    page.blocks.forEach(({ region }, number) => {
      if (!region) return;
      const [x, y, x1, y1] = region;
      svg.append(draw("rect", { class: "block", "data-block": number, x, y, width: Math.max(0, x1 - x), height: Math.max(0, y1 - y) }));
    });
  }
  return make("figure", {}, svg);
}

function showBlocks(page) {
  const blocks = page.blocks.map((block, number) =>
    make("p", { class: "text " + block.kind, "data-block": number, tabindex: number === 0 ? "0" : "-1" }, block.text),
  );
  return make("div", { class: "blocks", role: "group", "aria-label": say("page", { number: page.number }) }, ...blocks);
}

// A block lights up on both sides; the text has one tab stop, and arrow keys move within it.
function join(figure, text) {
  const pick = (side, number) => side.querySelector(`[data-block="${number}"]`);
  const light = (number) => {
    for (const side of [figure, text]) {
      side.querySelector(".on")?.classList.remove("on");
      if (number !== undefined) pick(side, number)?.classList.add("on");
    }
  };
  const numberOf = (event) => event.target.closest?.("[data-block]")?.dataset.block;
  for (const side of [figure, text]) {
    side.addEventListener("pointerover", (event) => light(numberOf(event)));
    side.addEventListener("pointerleave", () => light(undefined));
  }
  text.addEventListener("focusin", (event) => light(numberOf(event)));
  text.addEventListener("focusout", () => light(undefined));
  figure.addEventListener("click", (event) => pick(text, numberOf(event))?.scrollIntoView({ block: "center" }));
  text.addEventListener("keydown", (event) => {
    const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    const next = step && event.target[step];
    if (!next) return;
    event.preventDefault();
    event.target.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
}

// -- what the service cannot do at present

async function refreshState() {
  const state = find("state");
  let lines;
  try {
    lines = (await (await fetch(state.dataset.source)).json()).data;
  } catch {
    lines = [{ tone: "bad", text: say("unreachable") }];
  }
  const said = lines.map(({ tone, text }) => make("p", { class: "notice " + tone }, text));
  if (state.textContent.trim() !== lines.map((line) => line.text).join("\n").trim()) state.replaceChildren(...said);
}
setInterval(() => {
  if (!document.hidden) refreshState();
}, STATE_EVERY_MS);
