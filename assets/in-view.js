/* What stays in view while a page scrolls. A wide table scrolls sideways in a region of its own, and to that region its
   heads would stick, not to the window: they are moved along with the page. */

function keepHeadsInView() {
  var bar = document.querySelector(".bar");
  var top = bar ? underBar(bar) : 0;
  document.querySelectorAll(".tw > .mx, .tw > .mt9").forEach(function (table) {
    var region = table.parentElement;
    var hidden = top - table.getBoundingClientRect().top;
    var most = table.offsetHeight - table.tHead.offsetHeight;
    table.tHead.style.setProperty("--down", Math.max(0, Math.min(Math.round(hidden), most)) + "px");
    region.closest(".card").classList.toggle("more", region.scrollWidth - region.clientWidth - region.scrollLeft > 1);
  });
}

/* How far the bar of filters reaches into the window. It only sticks where it takes at most a fifth of the height; one
   that somebody opened stays as it was. */
function underBar(bar) {
  if (!bar.classList.contains("open")) {
    bar.classList.toggle("loose", bar.offsetHeight > window.innerHeight / 5);
  }
  return bar.classList.contains("loose") ? 0 : Math.max(0, bar.getBoundingClientRect().bottom);
}

document.addEventListener("scroll", keepHeadsInView, { capture: true, passive: true });
window.addEventListener("resize", keepHeadsInView);

document.addEventListener("click", function (event) {
  var button = event.target instanceof Element && event.target.closest("[data-sideways]");
  if (!button) { return; }
  var region = button.closest(".card").querySelector(".tw");
  region.scrollBy({ left: region.clientWidth / 2, behavior: "smooth" });
});
