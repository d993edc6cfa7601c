/* Small things that need no server: the address that follows the filters, choices kept in a cookie, menus that close,
   a file that is too large to send. */

window.dash_clientside = Object.assign({}, window.dash_clientside, {
  rondblik: {
    keepAddress: function (query) {
      if (typeof query === "string" && filterBar()) {
        window.history.replaceState(window.history.state, "", pathOf(window.location) + (query === "?" ? "" : query));
        shown.search = window.location.search;
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
  ["pupil", "column", "group", "field", "topic", "progress"].forEach(function (name) {
    var near = number.closest("[data-" + name + "]");
    if (near) { asked[name] = near.getAttribute("data-" + name); }
  });
  window.dash_clientside.set_props("why-asked", { data: asked });
}

/* The same on the page of a pupil, in a panel beside the number: its place goes there first. */
function askNumber(number) {
  var place = document.querySelector(".numplace");
  var box = number.getBoundingClientRect();
  var origin = (place.offsetParent || document.body).getBoundingClientRect();
  place.style.cssText = "left:" + (box.left - origin.left) + "px;top:" + (box.top - origin.top) + "px;width:" +
    box.width + "px;height:" + box.height + "px";
  window.dash_clientside.set_props("number-asked", { data: { index: number.getAttribute("data-explained"), at: Date.now() } });
}

document.addEventListener("click", function (event) {
  var target = event.target instanceof Element ? event.target : null;
  var keep = target && target.closest("[data-keep]");
  if (keep) {
    document.cookie = keep.getAttribute("data-keep") + "; path=/; max-age=31536000; samesite=lax" +
      (window.location.protocol === "https:" ? "; secure" : "");
    window.location.reload();
    return;
  }
  var copy = target && target.closest("[data-copy]");
  if (copy) { copyBeside(copy); }
  if (target && target.closest("[data-print]")) {
    window.print();
    return;
  }
  var number = target && target.closest("[data-why]");
  if (number) { askWhy(number); }
  var told = target && target.closest("[data-explained]");
  if (told) { askNumber(told); }
  var parts = target && target.closest("[data-parts]");
  if (parts) { window.dash_clientside.set_props("sitting", { value: parts.getAttribute("data-parts") }); }
  var toggle = target && target.closest("[data-toggle]");
  if (toggle) {
    var part = document.getElementById(toggle.getAttribute("data-toggle"));
    toggle.setAttribute("aria-expanded", String(part.classList.toggle("open")));
  }
  closeMenus(target);
});

/* The text beside a button goes to the clipboard; where the browser does not allow that, it is selected to copy by hand. */
function copyBeside(button) {
  var text = button.parentElement.querySelector(".copy");
  var word = button.firstElementChild;
  function copied() { word.textContent = button.getAttribute("data-copied"); }
  function selected() { window.getSelection().selectAllChildren(text); }
  if (!navigator.clipboard) { selected(); return; }
  navigator.clipboard.writeText(text.textContent).then(copied, selected);
}

function closeMenus(target) {
  document.querySelectorAll("details.who[open],details.burger[open],details.saveas[open]").forEach(function (menu) {
    if (!target || !menu.contains(target) || target.closest("a")) { menu.removeAttribute("open"); }
  });
}

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

/* Links, Back and Forward; after what notes the link that is followed. A page with filters (data-asks on its bar) is
   asked for its content alone where only the filters change: Dash would put a whole new page in the place of this one.
   All else goes the way of Dash, which hears of a new address by an event of its own. */
var shown = { path: pathOf(window.location), search: window.location.search };

function pathOf(place) { return place.pathname === "/" ? "/groep" : place.pathname; }

/* The bar of the page that is shown; none while another page is on its way. */
var leaving = null;
function filterBar() {
  var bar = document.querySelector("[data-asks]");
  return bar === leaving ? null : bar;
}

function filtersOnly(path) { return path === shown.path ? filterBar() : null; }

function askPage(bar) {
  var page = bar.getAttribute("data-asks");
  shown.search = window.location.search;
  window.dash_clientside.set_props(page + "-query", { data: shown.search });
  window.dash_clientside.set_props(page + "-asked", { data: { search: shown.search, at: Date.now() } });
}

function followInPage(event, address, bar) {
  event.preventDefault();
  event.stopPropagation();
  closeMenus(null);
  window.history.pushState({}, "", address);
  if (bar) { askPage(bar); } else { window.dispatchEvent(new CustomEvent("_dashprivate_pushstate")); }
  window.scrollTo(0, 0);
}

document.addEventListener("click", function (event) {
  var link = event.target instanceof Element ? event.target.closest("a[href]") : null;
  if (!link || event.defaultPrevented || event.button !== 0) { return; }
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) { return; }
  if (link.target || link.hasAttribute("download") || link.origin !== window.location.origin || link.hash) { return; }
  var bar = filtersOnly(pathOf(link));
  var classes = new URLSearchParams(window.location.search).get("klas");
  if (bar && link.closest("[data-clear]")) {
    followInPage(event, link.pathname + (classes ? "?klas=" + classes : ""), bar);
  } else if (bar || link.hasAttribute("data-link")) {
    followInPage(event, link.href, bar);
  }
}, true);

window.addEventListener("popstate", function (event) {
  var bar = filtersOnly(pathOf(window.location));
  if (bar) {
    event.stopImmediatePropagation();
    if (window.location.search !== shown.search) { askPage(bar); }
  } else {
    noteAddress();
  }
});

function noteAddress() {
  shown = { path: pathOf(window.location), search: window.location.search };
  leaving = document.querySelector("[data-asks]");
}
window.addEventListener("_dashprivate_pushstate", noteAddress);

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
  document.querySelectorAll("#matrix td[data-column] .num:not([aria-label])").forEach(function (number) {
    var cell = number.closest("td");
    call(number, cell.parentElement.querySelector("th").firstChild, columns[cell.getAttribute("data-column")]);
  });
  document.querySelectorAll(".mlist [data-column] .num:not([aria-label])").forEach(function (number) {
    var line = number.closest("[data-column]");
    call(number, line.closest("[data-pupil]").querySelector("summary b"), line.querySelector("dt").textContent);
  });
}

/* What the server wrote as markup (dashboard/ui/markup.py) becomes elements as soon as its element is there, before the
   browser draws. Of a long table the rows that are far under the window follow, some in each task. */
var ROWS_AT_ONCE = 30;

function fill(holder) {
  var made = document.createElement("template");
  made.innerHTML = holder.getAttribute("data-markup") || "";
  var later = Array.from(made.content.querySelectorAll("tbody > tr")).slice(ROWS_AT_ONCE).map(function (row) {
    return { row: row, into: row.parentElement };
  });
  later.forEach(function (one) { one.row.remove(); });
  holder.replaceChildren(made.content);
  addRows(later);
}

function addRows(later) {
  if (!later.length) { return; }
  window.requestAnimationFrame(function () {
    window.setTimeout(function () {
      later.slice(0, ROWS_AT_ONCE).forEach(function (one) { one.into.append(one.row); });
      if (later[0].into.isConnected) { addRows(later.slice(ROWS_AT_ONCE)); }
    }, 0);
  });
}

function fillNew(records) {
  records.forEach(function (record) {
    if (record.type === "attributes") { fill(record.target); }
    record.addedNodes.forEach(function (node) {
      if (!(node instanceof Element)) { return; }
      if (node.hasAttribute("data-markup")) { fill(node); }
      node.querySelectorAll("[data-markup]").forEach(fill);
    });
  });
}

/* The content of a page comes after its address: what the address points at is shown as soon as it is there, once. */
var pointed = null;

function showPointed() {
  var address = window.location.href;
  if (address === pointed || !document.getElementById(window.location.hash.slice(1))) { return; }
  pointed = address;
  window.location.replace(window.location.hash);
}
window.addEventListener("hashchange", function () { pointed = window.location.href; });

var redrawn = 0;
new MutationObserver(function (records) {
  fillNew(records);
  tellOutcome();
  showPointed();
  keepFocus();
  if (!redrawn) {
    redrawn = window.requestAnimationFrame(function () { redrawn = 0; listPupils(); callNumbers(); fitBoard(); keepHeadsInView(); });
  }
}).observe(document.documentElement, {
  childList: true, characterData: true, subtree: true, attributes: true, attributeFilter: ["data-markup"]
});

/* The smartboard fits its screen without scrolling: its unit is 1 % of the width, or as much smaller as it must be. A
   landscape sheet of A4 gets the part of it by which the whole screen would fit on the sheet. */
var SHEET = { width: 283, height: 196 }; // in millimetres, within its margins

function fitBoard() {
  var board = document.querySelector(".board");
  if (!board) { return; }
  board.style.removeProperty("--u");
  if (narrow.matches) { return; }
  var unit = window.innerWidth / 100;
  while (board.scrollHeight > window.innerHeight && unit > 1) {
    unit *= 0.97;
    board.style.setProperty("--u", unit + "px");
  }
  var share = Math.min(SHEET.width / window.innerWidth, SHEET.height / window.innerHeight);
  board.style.setProperty("--u-on-paper", unit * share + "mm");
}
window.addEventListener("resize", fitBoard);

/* Charts are drawn one after the other, each in a task of its own: together they would hold up the page. */
var lastDrawn = Promise.resolve();

function nextTask() { return new Promise(function (go) { window.setTimeout(go, 0); }); }

function drawInTurn(plotly) {
  var draw = plotly.react;
  plotly.react = function (chart) {
    var given = arguments;
    var drawn = lastDrawn.then(nextTask).then(function () {
      return chart.isConnected ? draw.apply(plotly, given) : chart;
    });
    lastDrawn = drawn.catch(function () {});
    return drawn;
  };
}

document.addEventListener("load", function () {
  if (window.Plotly && !window.Plotly.inTurn) {
    window.Plotly.inTurn = true;
    drawInTurn(window.Plotly);
  }
}, true);

/* On paper nothing can be opened: the tables of a pupil stand open. The charts get one size there, whatever that of the
   window is; the style sheet makes two of them fit beside each other. */
var ON_PAPER = { width: 585, height: 152 };
var ON_SCREEN = { width: null, height: null, autosize: true };
var opened = [];
window.addEventListener("beforeprint", function () {
  opened = Array.from(document.querySelectorAll("#lane-tables details:not([open])"));
  opened.forEach(function (one) { one.open = true; });
  drawCharts(ON_PAPER);
});
window.addEventListener("afterprint", function () {
  opened.forEach(function (one) { one.open = false; });
  drawCharts(ON_SCREEN);
});

function drawCharts(layout) {
  document.querySelectorAll(".lc .js-plotly-plot").forEach(function (chart) { window.Plotly.relayout(chart, layout); });
}

document.addEventListener("keydown", function (event) {
  if (event.key !== "Escape") { return; }
  document.querySelectorAll("details.who[open],details.burger[open],details.saveas[open]").forEach(function (menu) {
    menu.removeAttribute("open");
    menu.querySelector("summary").focus();
  });
});

/* A text of several lines is as high as what is in it. */
document.addEventListener("input", function (event) {
  var text = event.target instanceof HTMLTextAreaElement && event.target.closest("[data-grows]");
  if (!text) { return; }
  text.style.height = "auto";
  text.style.height = text.scrollHeight + 2 + "px";
});

/* A file that was mended is chosen again under the same name, which a field that still has it takes for no change. */
document.addEventListener("click", function (event) {
  if (event.target instanceof HTMLInputElement && event.target.type === "file") { event.target.value = ""; }
}, true);
