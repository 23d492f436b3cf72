"use strict";
{
  const live = document.getElementById("live");
  const status = document.getElementById("status");
  const light = document.querySelector(".light");
  const links = document.getElementById("links");
  const say = (text, on) => {
    if (status.textContent !== text) status.textContent = text;
    light.className = "light " + (on ? "on" : "off");
  };

  // Only what differs is replaced: what is focused, open, chosen or scrolled stays as it is.
  const morph = (old, fresh) => {
    if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) return old.replaceWith(fresh);
    if (old.isEqualNode(fresh)) return;
    if (old.nodeType === Node.TEXT_NODE) return void (old.data = fresh.data);
    if (old.localName === "svg") return old.replaceWith(fresh);
    for (const { name } of [...old.attributes]) {
      if (name !== "open" && !fresh.hasAttribute(name)) old.removeAttribute(name);
    }
    for (const { name, value } of fresh.attributes) {
      if (name !== "open" && old.getAttribute(name) !== value) old.setAttribute(name, value);
    }
    children(old, fresh);
  };
  const children = (old, fresh) => {
    const keyed = new Map([...old.children].filter((one) => one.dataset.key).map((one) => [one.dataset.key, one]));
    let at = old.firstChild;
    for (const one of [...fresh.childNodes]) {
      const key = one.dataset?.key;
      const kept = key ? keyed.get(key) : at?.dataset?.key ? null : at;
      if (!kept) {
        old.insertBefore(one, at);
        continue;
      }
      if (kept !== at) old.insertBefore(kept, at);
      at = kept.nextSibling;
      morph(kept, one);
    }
    while (at) {
      const next = at.nextSibling;
      at.remove();
      at = next;
    }
  };

  const link = (text, href, name) => {
    const a = document.createElement("a");
    a.textContent = text;
    a.href = href;
    if (name) a.download = name;
    links.append(a);
  };

  // The server ends with the run, so that the page keeps the final report itself.
  const conclude = async (frame) => {
    say(frame.words, true);
    if (!frame.report) return;
    const answer = await fetch("/report");
    if (!answer.ok) return;
    const url = URL.createObjectURL(new Blob([await answer.text()], { type: "text/html" }));
    link("Open the report", url);
    link("Save it", url, "report.html");
  };

  let ended = false;
  const events = new EventSource("/events");
  events.addEventListener("frame", (event) => {
    const frame = JSON.parse(event.data);
    const fresh = new DOMParser().parseFromString(frame.page, "text/html");
    document.title = fresh.title;
    document.body.className = fresh.body.className;
    children(live, fresh.body);
    live.dataset.frames = 1 + Number(live.dataset.frames ?? 0);
    if (!frame.ended) return say(frame.words, true);
    ended = true;
    conclude(frame).catch(() => {}).finally(() => events.close());
  });
  events.addEventListener("error", () => {
    if (!ended) say("The connection is lost. Trying again.", false);
  });
}
