/* Small things that need no server: the address that follows the filters, choices kept in a cookie, menus that close,
   a file that is too large to send. */
var addressMoved = false;

window.dash_clientside = Object.assign({}, window.dash_clientside, {
  rondblik: {
    keepAddress: function (query) {
      if (typeof query === "string") {
        var path = window.location.pathname === "/" ? "/groep" : window.location.pathname;
        window.history.replaceState(window.history.state, "", path + query);
        addressMoved = true;
      }
      return window.dash_clientside.no_update;
    },
    showView: function (view) {
      var known = ["grafiek", "tabel", "beide"].indexOf(view) >= 0 ? view : "beide";
      window.setTimeout(function () { window.dispatchEvent(new Event("resize")); }, 0);
      return "cols view-" + known;
    },
    smallFile: function (contents, most) {
      var small = typeof contents === "string" && contents.length <= most;
      return small ? [contents, true] : [window.dash_clientside.no_update, typeof contents !== "string"];
    }
  }
});

/* What a number is of stands in the data attributes of what it stands in; the server says where it comes from. */
function askWhy(number) {
  var asked = { kind: number.getAttribute("data-why"), search: window.location.search, at: Date.now() };
  ["pupil", "column", "course", "field", "topic", "progress"].forEach(function (name) {
    var near = number.closest("[data-" + name + "]");
    if (near) { asked[name] = near.getAttribute("data-" + name); }
  });
  window.dash_clientside.set_props("why-asked", { data: asked });
}

/* Dash does not know that the address followed the filters: a link to where the page began would do nothing. So once
   the address has moved, links are followed as a browser does. */
document.addEventListener("click", function (event) {
  var link = event.target instanceof Element ? event.target.closest("a[href]") : null;
  if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) { return; }
  if (link.target || link.hasAttribute("download") || link.origin !== window.location.origin) { return; }
  if (link.pathname === window.location.pathname && link.hash && link.search === window.location.search) { return; }
  var clears = link.closest("[data-clear]");
  var classes = new URLSearchParams(window.location.search).get("klas");
  if (clears) {
    event.preventDefault();
    event.stopPropagation();
    window.location.assign(link.pathname + (classes ? "?klas=" + classes : ""));
  } else if (addressMoved) {
    event.preventDefault();
    event.stopPropagation();
    window.location.assign(link.href);
  }
}, true);

document.addEventListener("click", function (event) {
  var target = event.target instanceof Element ? event.target : null;
  var keep = target && target.closest("[data-keep]");
  if (keep) {
    document.cookie = keep.getAttribute("data-keep") + "; path=/; max-age=31536000; samesite=lax";
    window.location.reload();
    return;
  }
  if (target && target.closest("[data-print]")) {
    window.print();
    return;
  }
  var number = target && target.closest("[data-why]");
  if (number) { askWhy(number); }
  var toggle = target && target.closest("[data-toggle]");
  if (toggle) {
    var part = document.getElementById(toggle.getAttribute("data-toggle"));
    toggle.setAttribute("aria-expanded", String(part.classList.toggle("open")));
  }
  document.querySelectorAll("details.who[open],details.burger[open],details.saveas[open]").forEach(function (menu) {
    if (!target || !menu.contains(target) || target.closest("a")) { menu.removeAttribute("open"); }
  });
});

/* Who sent a form hears first how it went. */
var heard = null;
function tellOutcome() {
  var told = document.getElementById("told");
  if (told && told !== heard) { told.focus(); }
  heard = told;
}

/* A link that redraws the page takes the focus away with itself: it comes back on the same link, or, on another page,
   on its heading. */
var followed = null;
document.addEventListener("click", function (event) {
  var link = event.target instanceof Element ? event.target.closest("a[href]") : null;
  if (!link || link.origin !== window.location.origin || link.hash || link.target || link.hasAttribute("download")) { return; }
  if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) { return; }
  var near = link.parentElement.closest("[id]");
  var same = link.pathname === window.location.pathname && near && near.id !== "main";
  var place = same ? Array.from(near.querySelectorAll("a[href]")).indexOf(link) : 0;
  followed = { id: same ? near.id : null, place: place, heading: document.querySelector("#main h1"), until: Date.now() + 5000 };
}, true);

function keepFocus() {
  if (!followed || document.activeElement !== document.body) { return; }
  if (Date.now() > followed.until) { followed = null; return; }
  var heading = document.querySelector("#main h1");
  var near = followed.id ? document.getElementById(followed.id) : null;
  var place = followed.id ? near && near.querySelectorAll("a[href]")[followed.place] : heading;
  if (!place || (!followed.id && heading === followed.heading)) { return; }
  if (place === heading) { heading.setAttribute("tabindex", "-1"); }
  place.focus({ preventScroll: followed.id !== null });
  followed = null;
}

/* A number in the matrix is called by its pupil and column too. The names stand once in the heads; to send them with
   every number would be a third of the page. */
function callNumbers() {
  var columns = {};
  function call(number, whose, column) {
    number.setAttribute("aria-label", [number.textContent, whose.textContent, column].join(", "));
  }
  document.querySelectorAll("#matrix th[data-called]").forEach(function (head) {
    columns[head.getAttribute("data-of")] = head.getAttribute("data-called");
  });
  document.querySelectorAll("#matrix td[data-column] .num").forEach(function (number) {
    var cell = number.closest("td");
    call(number, cell.parentElement.querySelector("th").firstChild, columns[cell.getAttribute("data-column")]);
  });
  document.querySelectorAll(".mlist [data-column] .num").forEach(function (number) {
    var line = number.closest("[data-column]");
    call(number, line.closest("[data-pupil]").querySelector("summary b"), line.querySelector("dt").textContent);
  });
}

var redrawn = 0;
new MutationObserver(function () {
  tellOutcome();
  keepFocus();
  if (!redrawn) {
    redrawn = window.requestAnimationFrame(function () { redrawn = 0; callNumbers(); });
  }
}).observe(document.documentElement, { childList: true, characterData: true, subtree: true });

/* On paper nothing can be opened: the tables of a pupil and what was folded away stand open. */
var opened = [];
window.addEventListener("beforeprint", function () {
  opened = Array.from(document.querySelectorAll("#lane-tables details:not([open])"));
  opened.forEach(function (one) { one.open = true; });
});
window.addEventListener("afterprint", function () { opened.forEach(function (one) { one.open = false; }); });

document.addEventListener("keydown", function (event) {
  if (event.key !== "Escape") { return; }
  document.querySelectorAll("details.who[open],details.burger[open],details.saveas[open]").forEach(function (menu) {
    menu.removeAttribute("open");
    menu.querySelector("summary").focus();
  });
});
