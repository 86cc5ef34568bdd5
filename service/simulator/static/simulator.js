// Optional: without it every button still works by posting its form. With it keys type, and what changed appears by itself.
"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  let seen = "", asking = false, sending = 0, turn = 0;

  // Replace what changed and nothing else: texts being typed and what has the focus stay.
  function show(html) {
    const fresh = new DOMParser().parseFromString(html, "text/html");
    const focus = document.activeElement && document.activeElement.id;
    const row = byId("phones");
    for (const phone of fresh.querySelectorAll(".phone")) if (!byId(phone.id)) row.append(document.importNode(phone, true));
    for (const phone of [...row.children]) if (!fresh.getElementById(phone.id)) phone.remove();
    for (const part of fresh.querySelectorAll(".live")) {
      const old = byId(part.id);
      if (!old || old.outerHTML === part.outerHTML) continue;
      const box = old.querySelector("input");
      if (box && box.value !== box.defaultValue) continue;
      old.replaceWith(document.importNode(part, true));
    }
    if (focus && byId(focus) && document.activeElement.id !== focus) byId(focus).focus();
  }

  function say(sentence) {
    const line = document.createElement("p");
    line.textContent = sentence;
    byId("notices").replaceChildren(line);
  }

  document.addEventListener("click", (event) => {
    const key = event.target.closest(".key");
    if (!key) return;
    event.preventDefault();
    key.form.elements.typed.value += key.value;
  });

  document.addEventListener("submit", async (event) => {
    const form = event.target, button = event.submitter;
    event.preventDefault();
    if (form.hasAttribute("aria-busy")) return;
    const sent = new FormData(form), fields = new URLSearchParams(sent);
    if (button && button.name) fields.append(button.name, button.value);
    const address = button && button.hasAttribute("formaction") ? button.formAction : form.action;
    // While a script is played the page goes on asking: the screen follows it.
    const quiet = "follow" in form.dataset ? 0 : 1;
    form.setAttribute("aria-busy", "true");
    sending += quiet;
    turn++;
    if (form.dataset.slow) say(form.dataset.slow);
    try {
      const answer = await fetch(address, { method: "POST", body: fields });
      const html = await answer.text();
      if (!answer.ok) throw new Error(answer.status);
      // Only what was sent is cleared, not what has been typed meanwhile.
      for (const box of form.querySelectorAll("input, textarea")) if (box.value === sent.get(box.name)) box.value = box.defaultValue;
      turn++;
      show(html);
    } catch (_) {
      say("Le simulateur ne répond pas.");
    }
    form.removeAttribute("aria-busy");
    seen = "";
    sending -= quiet;
  });

  setInterval(async () => {
    if (asking || sending || document.hidden) return;
    asking = true;
    const mine = turn;
    try {
      const answer = await fetch(document.body.dataset.parts + "?seen=" + seen);
      const html = answer.status === 200 ? await answer.text() : "";
      if (html && mine === turn) {
        show(html);
        seen = answer.headers.get("X-Tag");
      }
    } catch (_) {
      say("Le simulateur ne répond pas.");
      seen = "";
    }
    asking = false;
  }, 2000);
})();
