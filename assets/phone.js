/* On a narrow screen the matrix of a class is a list of pupils. It is made from the cells of the table when it is
   needed, so that the server sends each number once and both always say the same. */

var narrow = window.matchMedia("(max-width: 600px)");

function listPupils() {
  var matrix = document.getElementById("matrix");
  var list = document.getElementById("phone-list");
  if (!matrix || !list || !narrow.matches) { return; }
  if (list.listed === matrix && list.rows === matrix.rows.length) { return; }
  list.listed = matrix;
  list.rows = matrix.rows.length;
  var columns = {};
  matrix.querySelectorAll("th[data-called]").forEach(function (head) {
    columns[head.getAttribute("data-of")] = head.getAttribute("data-called");
  });
  var made = document.createDocumentFragment();
  matrix.querySelectorAll("tbody").forEach(function (group) {
    group.querySelectorAll("tr").forEach(function (row) {
      made.append(row.hasAttribute("data-pupil") ? pupilEntry(row, columns) : groupHead(group, row));
    });
  });
  list.replaceChildren(made);
}

function groupHead(group, row) {
  var head = element("h3", { "data-group": group.getAttribute("data-group") });
  head.append.apply(head, copies(row.querySelector(".pin_")));
  return head;
}

function pupilEntry(row, columns) {
  var entry = element("details", { "class": "mo", "data-pupil": row.getAttribute("data-pupil") });
  var name = row.querySelector("th a");
  var summary = element("summary", { "class": "mr" });
  var lines = element("dl", {});
  var link = element("a", { "href": name.getAttribute("href"), "data-link": "" });
  summary.append(
    element("b", {}, name.textContent),
    besides(row),
    element("i", { "class": "sg sg-chev", "aria-hidden": "true" })
  );
  row.querySelectorAll("td").forEach(function (cell) {
    var line = element("div", { "data-column": cell.getAttribute("data-column") });
    var shown = element("dd", { "class": cell.className });
    shown.append.apply(shown, copies(cell));
    line.append(element("dt", {}, columns[cell.getAttribute("data-column")]), shown);
    lines.append(line);
  });
  link.textContent = row.getAttribute("data-see");
  entry.append(summary, lines, link);
  return entry;
}

/* What stands beside the name, and under it the newest scores counted. */
function besides(row) {
  var small = element("small", {});
  var beside = row.querySelector("th small");
  if (beside) { small.append(beside.textContent, element("br", {})); }
  small.append(row.getAttribute("data-words"));
  return small;
}

function copies(origin) {
  var children = Array.from(origin.cloneNode(true).childNodes);
  children.forEach(function (child) {
    if (child instanceof Element) {
      child.querySelectorAll("[aria-label]").forEach(function (named) { named.removeAttribute("aria-label"); });
    }
  });
  return children;
}

function element(name, attributes, text) {
  var made = document.createElement(name);
  Object.keys(attributes).forEach(function (key) { made.setAttribute(key, attributes[key]); });
  if (text !== undefined) { made.textContent = text; }
  return made;
}

narrow.addEventListener("change", listPupils);
