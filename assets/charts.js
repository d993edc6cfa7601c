/* The program that draws charts comes when the first chart does. Dash puts the address of all of plotly.js into the name
   from which it fetches it; the page says which part is needed, and its digest. */
Object.defineProperty(window, "_dashPlotlyJSURL", {
  get: function () { return document.documentElement.getAttribute("data-charts"); },
  set: function () {}
});

/* Dutch for the charts; plotly takes it up when it loads. */
(function () {
  var locale = {
    moduleType: "locale",
    name: "nl",
    dictionary: {
      "Autoscale": "Automatische schaal",
      "Reset axes": "Assen herstellen",
      "Zoom": "Inzoomen",
      "Pan": "Verschuiven",
      "Download plot as a PNG": "Grafiek opslaan als PNG",
      "Double-click to zoom back out": "Dubbelklik om uit te zoomen"
    },
    format: {
      days: ["zondag", "maandag", "dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag"],
      shortDays: ["zo", "ma", "di", "wo", "do", "vr", "za"],
      months: ["januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september", "oktober", "november", "december"],
      shortMonths: ["jan", "feb", "mrt", "apr", "mei", "jun", "jul", "aug", "sep", "okt", "nov", "dec"],
      date: "%d-%m-%Y",
      decimal: ",",
      thousands: "."
    }
  };
  if (typeof window.Plotly === "undefined") {
    window.PlotlyLocales = window.PlotlyLocales || [];
    window.PlotlyLocales.push(locale);
  } else {
    window.Plotly.register(locale);
  }
})();
