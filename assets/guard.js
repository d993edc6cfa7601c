/* What a page owes to who works on it: every request says for whom the page was made, a request that fails is said on
   the page, a form is stored once, and typed text comes back. The reasons are in docs/adr/0017-a-page-is-of-one-viewer.md. */
(function () {
  var banner = document.getElementById("trouble");
  if (!banner) { return; }
  var made = banner.dataset; // for whom this page was made, and the texts of the banner

  /* -- the banner: one sentence, and two ways on ------------------------------------------------------------------ */

  function said(kind, sentence) {
    if (banner.dataset.kind === kind) { return; }
    banner.dataset.kind = kind;
    var words = document.createElement("p");
    words.textContent = sentence || made[kind] || made.failed;
    if ((kind === "401" || kind === "409") && somethingTyped()) { words.textContent += " " + made.typed; }
    var again = document.createElement("button");
    again.type = "button";
    again.className = "btn pri";
    again.textContent = made.reload;
    again.addEventListener("click", function () { window.location.reload(); });
    var home = document.createElement("a");
    home.className = "btn";
    home.href = "/";
    home.textContent = made.home;
    banner.replaceChildren(words, again, home);
    keepInView();
  }

  /* The banner takes place at the top of the window: who types must go on seeing what. */
  function keepInView() {
    document.documentElement.style.scrollPaddingTop = banner.offsetHeight + 120 + "px";
    var active = document.activeElement;
    if (active && active !== document.body && !banner.contains(active)) { active.scrollIntoView({ block: "nearest" }); }
  }

  function refused(answer) {
    if (answer.status === WRONG_FIELD) { return; } // its form says what to mend
    var kind = String(answer.status);
    if (made[kind]) { said(kind); return; }
    answer.clone().json().then(
      function (body) { said("failed", answer.status < 500 && body.error); },
      function () { said("failed"); }
    );
  }

  /* A field of a form is wrong: the form says so, with all that was typed still in it. */
  var WRONG_FIELD = 422;
  function saidInForm(form, answer) {
    answer.json().then(function (body) {
      var line = form.querySelector(".wrong");
      if (!line) {
        line = document.createElement("p");
        line.className = "wrong";
        line.tabIndex = -1;
        form.prepend(line);
      }
      line.textContent = body.error;
      line.focus();
    });
  }

  /* -- requests ---------------------------------------------------------------------------------------------------- */

  var send = window.fetch;
  window.fetch = function (resource, options) {
    var asked = resource instanceof Request ? resource.url : resource;
    if (new URL(asked, window.location.href).origin !== window.location.origin) { return send.apply(window, arguments); }
    var headers = new Headers((options && options.headers) || (resource instanceof Request ? resource.headers : {}));
    headers.set("X-Rondblik-Page", made.page);
    return send.call(window, resource, Object.assign({}, options, { headers: headers })).then(
      function (answer) {
        if (!answer.ok) { refused(answer); }
        return answer;
      },
      function (failure) {
        /* A page that is left gives up its requests too; of that page nothing is left to say it a moment later. */
        if (failure.name !== "AbortError") { window.setTimeout(function () { said("silent"); }, 300); }
        throw failure;
      }
    );
  };

  /* -- forms: sent from the page, which stays with all that was typed until the answer is good ---------------------- */

  var tokens = new WeakMap();
  var sending = new WeakSet();

  function once(form) {
    if (!tokens.has(form)) {
      var bytes = Array.from(window.crypto.getRandomValues(new Uint8Array(16)));
      tokens.set(form, bytes.map(function (one) { return one.toString(16).padStart(2, "0"); }).join(""));
    }
    return tokens.get(form);
  }

  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.method !== "post") { return; }
    event.preventDefault();
    if (sending.has(form)) { return; }
    sending.add(form);
    var body = new URLSearchParams(new FormData(form, event.submitter));
    var headers = { "X-Rondblik-Once": once(form), Accept: "application/json" };
    if (form.hasAttribute("data-draft")) { window.sessionStorage.setItem(SENT, draftKey(form)); }
    window.fetch(form.action, { method: "POST", body: body, headers: headers }).then(
      function (answer) {
        if (answer.ok) {
          if (form.hasAttribute("data-signs-out")) { signedOut(answer.url); }
          window.location.assign(answer.url);
          return;
        }
        sending.delete(form);
        if (answer.status === WRONG_FIELD) { saidInForm(form, answer); }
      },
      function () { sending.delete(form); }
    );
  });

  /* -- signing out: nothing that was shown or typed stays in this tab, nor in the others of this browser ------------- */

  var tabs = new BroadcastChannel("rondblik");
  tabs.addEventListener("message", function (event) {
    forgetDrafts();
    window.location.replace(event.data);
  });

  function signedOut(address) {
    forgetDrafts();
    tabs.postMessage(address);
  }

  function forgetDrafts() {
    Object.keys(window.sessionStorage).forEach(function (key) {
      if (key.startsWith("draft")) { window.sessionStorage.removeItem(key); }
    });
  }

  /* A page that comes back from the memory of the browser sends its forms anew. */
  window.addEventListener("pageshow", function (event) {
    if (event.persisted) {
      tokens = new WeakMap();
      sending = new WeakSet();
    }
  });

  /* -- drafts: typed text that is not saved, kept as long as the tab and for this viewer only ------------------------ */

  var DRAFT = "draft ";
  var OWN = DRAFT + made.page + " ";
  var SENT = "draft-sent";
  var begun = new WeakMap(); // per form, what stood in its fields at first

  Object.keys(window.sessionStorage).forEach(function (key) {
    var draft = key.startsWith(DRAFT) ? key : key === SENT ? window.sessionStorage.getItem(SENT) : OWN;
    if (!draft.startsWith(OWN)) { window.sessionStorage.removeItem(key); }
  });

  function draftKey(form) { return OWN + new URL(form.action).pathname + (form.id && "#" + form.id); }

  function fields(form) {
    return Array.from(form.elements).filter(function (one) { return one.name && one.type !== "submit"; });
  }

  /* What somebody changed in a form; what stands there by itself is none of a draft. */
  function changes(form) {
    var first = begun.get(form) || {};
    var found = {};
    fields(form).forEach(function (one) { if (one.value !== first[one.name]) { found[one.name] = one.value; } });
    return found;
  }

  function somethingTyped() {
    return Array.from(document.querySelectorAll("form[data-draft]")).some(function (form) {
      return Object.keys(changes(form)).length > 0;
    });
  }

  function keepDraft(event) {
    var form = event.target instanceof Element && event.target.closest("form[data-draft]");
    if (!form || !begun.has(form)) { return; }
    var found = changes(form);
    if (Object.keys(found).length) {
      window.sessionStorage.setItem(draftKey(form), JSON.stringify(found));
    } else {
      window.sessionStorage.removeItem(draftKey(form));
    }
  }
  document.addEventListener("input", keepDraft);
  document.addEventListener("change", keepDraft);

  /* Fields are of React: they take a value as if it was typed. */
  function type(field, value) {
    Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value").set.call(field, value);
    field.dispatchEvent(new Event(field.tagName === "SELECT" ? "change" : "input", { bubbles: true }));
  }

  function fill(form, values) {
    fields(form).forEach(function (one) { if (one.name in values) { type(one, values[one.name]); } });
  }

  function offer(form) {
    var first = {};
    fields(form).forEach(function (one) { first[one.name] = one.value; });
    begun.set(form, first);
    var draft = window.sessionStorage.getItem(draftKey(form));
    if (draft === null) { return; }
    fill(form, JSON.parse(draft));
    var fold = form.closest("details");
    if (fold) { fold.open = true; }
    form.prepend(offered(form, first));
  }

  function offered(form, first) {
    var line = document.createElement("p");
    line.className = "draft sm";
    line.setAttribute("role", "status");
    line.append(made.draft + " ");
    var discard = document.createElement("button");
    discard.type = "button";
    discard.className = "btn q small";
    discard.textContent = made.discard;
    discard.addEventListener("click", function () {
      fill(form, first);
      window.sessionStorage.removeItem(draftKey(form));
      line.remove();
    });
    line.append(discard);
    return line;
  }

  /* The page says how the form went that was sent before it; only what went well is no draft any more. */
  function settleSent() {
    var told = document.getElementById("told");
    var sent = window.sessionStorage.getItem(SENT);
    if (!told || sent === null) { return; }
    if (told.getAttribute("data-well") === "true") { window.sessionStorage.removeItem(sent); }
    window.sessionStorage.removeItem(SENT);
  }

  var looking = 0;
  function look() {
    looking = 0;
    settleSent();
    document.querySelectorAll("form[data-draft]").forEach(function (form) { if (!begun.has(form)) { offer(form); } });
  }
  new MutationObserver(function () {
    if (!looking) { looking = window.requestAnimationFrame(look); }
  }).observe(document.body, { childList: true, subtree: true });
})();
