// Drives Chromium over its debugging pipe: what a person does with a live page and with the list of runs.
// usage: node live_page.cjs FOLDER JOB; JOB is JSON {url, kind: "watch" | "list", pictures}; prints what it found as JSON.
"use strict";
const { spawn } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");

const [folder, job] = [process.argv[2], JSON.parse(process.argv[3])];
const browser = spawn(
  "chromium",
  [
    ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"],
    ...["--disable-background-networking", "--disable-component-update", "--disable-sync", "--remote-debugging-pipe"],
    `--user-data-dir=${path.join(folder, "profile")}`,
    "about:blank",
  ],
  { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] },
);
const [out, back] = [browser.stdio[3], browser.stdio[4]];
const waiting = new Map();
const listeners = [];
let number = 0;
let rest = "";
back.setEncoding("utf8").on("data", (text) => {
  const parts = (rest + text).split("\0");
  rest = parts.pop();
  for (const message of parts.map((part) => JSON.parse(part))) {
    const answer = waiting.get(message.id);
    waiting.delete(message.id);
    if (answer) message.error ? answer.reject(new Error(JSON.stringify(message.error))) : answer.resolve(message.result);
    else for (const listener of listeners) listener(message);
  }
});
let session;
const send = (method, params = {}) =>
  new Promise((resolve, reject) => {
    waiting.set((number += 1), { resolve, reject });
    out.write(JSON.stringify({ id: number, method, params, ...(session && { sessionId: session }) }) + "\0");
  });
const evaluate = async (expression) => {
  const { result, exceptionDetails } = await send("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true });
  if (exceptionDetails) throw new Error(`${expression}: ${exceptionDetails.exception?.description ?? exceptionDetails.text}`);
  return result.value;
};
// The page says by a mutation when something has changed.
const until = (what, condition) =>
  evaluate(`new Promise((done, fail) => {
    const look = () => { if (${condition}) { observer.disconnect(); clearTimeout(late); done(true); } };
    const observer = new MutationObserver(look);
    const late = setTimeout(() => fail(new Error(${JSON.stringify(what)} + " did not come: " + document.body.innerText.slice(0, 300))), 60000);
    observer.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
    look();
  })`);
// The next page that loads; asked for before what makes it load.
const load = () => new Promise((done) => listeners.push((message) => message.method === "Page.loadEventFired" && done()));
const press = async (key) => {
  for (const type of ["keyDown", "keyUp"]) await send("Input.dispatchKeyEvent", { type, key, code: key, windowsVirtualKeyCode: key === "Tab" ? 9 : 13, ...(key === "Enter" && { text: "\r" }) });
};
// What the Tab key reaches, in order.
const reached = async (steps) => {
  const all = [];
  for (let step = 0; step < steps; step += 1) {
    await press("Tab");
    all.push(await evaluate(`(document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent).trim().slice(0, 40)`));
  }
  return all;
};
const look = async (name, width, scheme) => {
  await send("Emulation.setDeviceMetricsOverride", { width, height: 1400, deviceScaleFactor: 1, mobile: width < 500 });
  await send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
  const { data } = await send("Page.captureScreenshot", { format: "png" });
  if (job.pictures) fs.writeFileSync(path.join(job.pictures, `${name}.png`), Buffer.from(data, "base64"));
  return evaluate(`({
    overflow: document.documentElement.scrollWidth - innerWidth,
    paper: getComputedStyle(document.body).backgroundColor,
    drawn: [...document.querySelectorAll("svg")].filter((svg) => svg.getBoundingClientRect().width > 100).length,
  })`);
};

const watch = async () => {
  const found = {};
  await until("the first frame", `Number(document.getElementById("live")?.dataset.frames) >= 1`);
  found.focused = await reached(4);
  await until("a run under way", `document.title.startsWith("RUNNING") && document.querySelector("svg path")`);
  const frames = await evaluate(`Number(document.getElementById("live").dataset.frames)`);
  found.sentence = await evaluate(`document.querySelector(".sentence").textContent`);
  await until("two updates", `Number(document.getElementById("live").dataset.frames) >= ${frames + 2}`);
  found.later = await evaluate(`document.querySelector(".sentence").textContent`);
  found.still = await evaluate(`document.activeElement !== document.body`);
  found.wide = await look("live-wide", 1200, "light");
  found.dark = await look("live-dark", 1200, "dark");
  found.phone = await look("live-phone", 390, "light");
  await until("the end", `document.getElementById("links").children.length === 2`);
  found.status = await evaluate(`document.getElementById("status").textContent`);
  found.title = await evaluate(`document.title`);
  const report = await evaluate(`document.querySelector("#links a").href`);
  await evaluate(`document.querySelector("#links a").focus()`);
  const opened = load();
  await press("Enter");
  await opened;
  found.report = (await evaluate(`location.href`)) === report && (await evaluate(`document.querySelectorAll("svg").length`));
  found.styled = await evaluate(`getComputedStyle(document.querySelector(".stamp")).letterSpacing !== "normal"`);
  await look("live-report", 1200, "light");
  return found;
};

const list = async () => {
  const found = {};
  await until("the list", `Number(document.getElementById("live")?.dataset.frames) >= 1 && document.querySelector("tbody tr")`);
  found.rows = await evaluate(`document.querySelectorAll("tbody tr").length`);
  found.wide = await look("list-wide", 1200, "light");
  found.dark = await look("list-dark", 1200, "dark");
  found.phone = await look("list-phone", 390, "light");
  found.images = await evaluate(`document.images.length`);
  found.focused = await reached(6);
  await evaluate(`document.querySelectorAll("tbody input").forEach((box, index) => index < 2 && box.click())`);
  await evaluate(`document.querySelector("button").focus()`);
  const opened = load();
  await press("Enter");
  await opened;
  found.compared = await evaluate(`document.querySelectorAll("tbody tr").length`);
  await look("list-compared", 1200, "light");
  return found;
};

(async () => {
  const { targetInfos } = await send("Target.getTargets");
  const page = targetInfos.find((target) => target.type === "page");
  ({ sessionId: session } = await send("Target.attachToTarget", { targetId: page.targetId, flatten: true }));
  const complaints = [];
  listeners.push((message) => {
    if (message.method === "Log.entryAdded") complaints.push(message.params.entry.text);
    if (message.method === "Runtime.exceptionThrown") complaints.push(message.params.exceptionDetails.exception?.description);
  });
  for (const domain of ["Page", "Runtime", "Log"]) await send(`${domain}.enable`);
  await send("Page.navigate", { url: job.url });
  const found = await (job.kind === "watch" ? watch : list)();
  console.log(JSON.stringify({ ...found, complaints }));
})()
  .catch((error) => {
    console.error(error);
    process.exitCode = 1;
  })
  .finally(() => browser.kill("SIGKILL"));
