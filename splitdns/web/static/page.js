// The queries as they come. Everything is put in place as text: names are strangers' words.
"use strict";
(() => {
  const MAX_ROWS = 200;
  const at = (id) => document.getElementById(id);
  const rows = at("rows"), state = at("state"), filter = at("filter"), pause = at("pause");
  let paused = false, skipped = 0;

  const cell = (text, kind, code) => {
    const made = document.createElement("td");
    if (kind) made.className = kind;
    (code ? made.appendChild(document.createElement("code")) : made).textContent = text;
    return made;
  };
  const row = (query) => {
    const made = document.createElement("tr");
    made.className = "new r-" + query.rcode.toLowerCase();
    made.append(
      cell(new Date(query.time * 1000).toISOString().slice(11, 19), "time"),
      cell(query.client, "", true),
      cell(query.view || "none"),
      cell(query.name, "name", true),
      cell(query.type),
      cell(query.rcode, "code"),
      cell(query.from),
      cell(String(query.ms), "n"),
    );
    return made;
  };
  const choose = (one) => {
    one.hidden = !one.textContent.toLowerCase().includes(filter.value.trim().toLowerCase());
  };
  const say = (text, tone) => {
    state.textContent = text;
    state.className = "badge " + tone;
  };

  const source = new EventSource("/queries/stream");
  source.onopen = () => say(paused ? "paused" : "live", paused ? "warn" : "good");
  source.onerror = () => say("connecting", "warn");
  source.addEventListener("full", () => {
    source.close();
    say("too many watch already", "bad");
  });
  source.onmessage = (message) => {
    if (paused) return;
    const batch = JSON.parse(message.data);
    for (const query of batch.queries) {
      const made = row(query);
      choose(made);
      rows.prepend(made);
    }
    while (rows.rows.length > MAX_ROWS) rows.deleteRow(-1);
    at("empty").hidden = rows.rows.length > 0;
    skipped += batch.skipped;
    if (skipped) at("skipped").textContent = skipped + " more were not sent";
  };

  at("tools").hidden = false;
  filter.addEventListener("input", () => Array.from(rows.rows, choose));
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.setAttribute("aria-pressed", String(paused));
    pause.textContent = paused ? "Go on" : "Pause";
    say(paused ? "paused" : "live", paused ? "warn" : "good");
  });
  addEventListener("pagehide", () => source.close());
})();
