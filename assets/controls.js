/* The controls of the pages: components of Dash (dashboard/ui/components.py) on React alone. A library would be as much
   as Dash itself; docs/adr/0035-own-controls.md says why. */
(function () {
  var React = window.React;
  var make = React.createElement;

  /* An identifier of Dash as the id of an element: it may be an object, of which the names are sorted. */
  function idOf(id) {
    if (typeof id !== "object" || id === null) { return id; }
    return "{" + Object.keys(id).sort().map(function (name) {
      return JSON.stringify(name) + ":" + JSON.stringify(id[name]);
    }).join(",") + "}";
  }

  function marks(props) {
    var found = {};
    Object.keys(props).forEach(function (name) {
      if (name.startsWith("aria-") || name.startsWith("data-")) { found[name] = props[name]; }
    });
    return found;
  }

  function named(props, id) {
    return props.label ? make("label", { className: "lab", htmlFor: id, id: id + "-label" }, props.label) : null;
  }

  /* -- lists of options ------------------------------------------------------------------------------------------- */

  /* The options in one row, each with the name of its group if it is the first of one. */
  function flat(data) {
    return (data || []).flatMap(function (one) {
      if (!one.items) { return [one]; }
      return one.items.map(function (item, place) {
        return { value: item.value, label: item.label, group: place ? undefined : one.group };
      });
    });
  }

  function matching(options, typed, most) {
    var wanted = (typed || "").trim().toLowerCase();
    var found = wanted ? options.filter(function (one) { return one.label.toLowerCase().includes(wanted); }) : options;
    return most ? found.slice(0, most) : found;
  }

  /* What a field and its list do together (the pattern "combobox" of WAI-ARIA): the field keeps the focus, and says
     which option is current. `active` is the place of that option; null: the list is closed. */
  function useList(options, chosenPlace, choose) {
    var state = React.useState(null);
    var active = state[0], setActive = state[1];
    var isOpen = active !== null;
    function move(to) { setActive(Math.max(0, Math.min(to, options.length - 1))); }
    return {
      isOpen: isOpen,
      active: active,
      open: function () { setActive(chosenPlace); },
      close: function () { setActive(null); },
      first: function () { setActive(0); },
      key: function (event, isTyped) {
        if (event.key === "ArrowDown") { move(isOpen ? active + 1 : Math.max(chosenPlace, 0)); }
        else if (event.key === "ArrowUp") { move(isOpen ? active - 1 : Math.max(chosenPlace, 0)); }
        else if (isOpen && event.key === "Home" && !isTyped) { move(0); }
        else if (isOpen && event.key === "End" && !isTyped) { move(options.length - 1); }
        else if (event.key === "Enter" || (event.key === " " && !isTyped)) {
          if (!isOpen) { setActive(chosenPlace); }
          else if (options[active]) { choose(options[active]); }
        }
        else if (isOpen && event.key === "Escape") { setActive(null); event.stopPropagation(); }
        else if (event.key.length === 1 && !isTyped && !event.ctrlKey && !event.metaKey && !event.altKey) {
          var place = beginningWith(options, event.key, isOpen ? active : chosenPlace);
          if (place >= 0) { setActive(place); }
        }
        else { return; }
        event.preventDefault();
      }
    };
  }

  /* The next option after `place` that begins with a letter, around the end; -1: none. */
  function beginningWith(options, letter, place) {
    for (var step = 1; step <= options.length; step += 1) {
      var at = (Math.max(place, -1) + step + options.length) % options.length;
      if (options[at].label.toLowerCase().startsWith(letter.toLowerCase())) { return at; }
    }
    return -1;
  }

  function fieldMarks(props, id, list) {
    return Object.assign(marks(props), {
      id: id,
      type: "text",
      role: "combobox",
      autoComplete: "off",
      "aria-haspopup": "listbox",
      "aria-expanded": list.isOpen,
      "aria-controls": list.isOpen ? id + "-list" : undefined,
      "aria-activedescendant": list.isOpen && list.active >= 0 ? id + "-" + list.active : undefined,
      "aria-autocomplete": props.searchable ? "list" : undefined,
      readOnly: !props.searchable
    });
  }

  /* The open list, below its field, or above it where it has more room there. */
  function Options(props) {
    var box = React.useRef(null);
    React.useLayoutEffect(function () {
      var list = box.current, field = list.parentElement.getBoundingClientRect();
      var below = window.innerHeight - field.bottom, above = field.top;
      list.classList.toggle("up", list.offsetHeight + 12 > below && above > below);
    });
    React.useEffect(function () {
      var current = box.current.querySelector(".current");
      if (current) { current.scrollIntoView({ block: "nearest" }); }
    }, [props.active]);
    var options = props.options.flatMap(function (one, place) {
      var isChosen = one.value === props.chosen;
      var option = make("div", {
        key: one.value,
        id: props.id + "-" + place,
        role: "option",
        className: place === props.active ? "option current" : "option",
        "aria-selected": isChosen,
        onMouseDown: function (event) { event.preventDefault(); },
        onClick: function (event) { event.preventDefault(); props.choose(one); }
      }, isChosen ? make("i", { className: "sg sg-check", "aria-hidden": true }) : null, make("span", null, one.label));
      var head = make("div", { key: "group " + place, className: "of", role: "presentation" }, one.group);
      return one.group === undefined ? [option] : [head, option];
    });
    var nothing = props.options.length ? null : make("p", { role: "status" }, props.nothing);
    return make("div", { className: "options", ref: box, onMouseDown: function (event) { event.preventDefault(); } },
      make("div", {
        id: props.id + "-list",
        role: "listbox",
        "aria-labelledby": props.label ? props.id + "-label" : undefined,
        "aria-label": props.label ? undefined : props["aria-label"],
        style: { maxHeight: props.height }
      }, options),
      nothing);
  }

  /* The list of a control while it is open; an empty one only where it has words for that. */
  function openList(props, id, list, options, chosen, choose) {
    if (!list.isOpen || !(options.length || props.nothing)) { return null; }
    return make(Options, {
      id: id, label: props.label, "aria-label": props["aria-label"], options: options, active: list.active,
      chosen: chosen, choose: choose, nothing: props.nothing, height: props.height
    });
  }

  function Select(props) {
    var id = idOf(props.id);
    var state = React.useState(null);
    var typed = state[0], setTyped = state[1];
    var all = flat(props.data);
    var chosen = all.find(function (one) { return one.value === props.value; });
    var options = matching(all, typed, props.limit);
    var list = useList(options, options.indexOf(chosen), choose);
    function choose(option) {
      end();
      if (option.value !== props.value) { props.setProps({ value: option.value }); }
    }
    function end() { list.close(); setTyped(null); }
    /* Options that the server looks for: asked when nothing was typed for a moment. */
    React.useEffect(function () {
      if (props.hint === undefined || !typed || typed.trim().length < 2) { return undefined; }
      var waiting = setTimeout(function () { props.setProps({ search: typed }); }, 250);
      return function () { clearTimeout(waiting); };
    }, [typed]);
    var isAsked = props.hint !== undefined && typed !== props.found;
    return make("div", { className: "select " + (props.className || "") },
      named(props, id),
      make("div", { className: "box" },
        make("input", Object.assign(fieldMarks(props, id, list), {
          className: "field",
          placeholder: props.placeholder,
          value: typed !== null ? typed : chosen ? chosen.label : "",
          onClick: function () { if (list.isOpen && !props.searchable) { end(); } else if (!list.isOpen) { list.open(); } },
          onChange: function (event) { setTyped(event.target.value); list.first(); },
          onKeyDown: function (event) { list.key(event, props.searchable); },
          onBlur: end
        })),
        make("i", { className: "chevron", "aria-hidden": true }),
        openList(isAsked ? Object.assign({}, props, { nothing: props.hint }) : props, id, list, options, props.value,
          choose)));
  }

  function MultiSelect(props) {
    var id = idOf(props.id);
    var field = React.useRef(null);
    var state = React.useState("");
    var typed = state[0], setTyped = state[1];
    var values = props.value || [];
    var all = flat(props.data);
    var options = matching(all.filter(function (one) { return !values.includes(one.value); }), typed);
    var list = useList(options, -1, choose);
    var chosen = values.map(function (value) {
      return all.find(function (one) { return one.value === value; }) || { value: value, label: value };
    });
    function put(value) { props.setProps({ value: value }); }
    function choose(option) {
      setTyped("");
      put(values.concat([option.value]));
      if (options.length === 1) { list.close(); } else { list.open(); }
    }
    function without(value) { put(values.filter(function (one) { return one !== value; })); }
    function end() { list.close(); setTyped(""); }
    function key(event) {
      if (event.key === "Backspace" && !typed && values.length) { put(values.slice(0, -1)); }
      else { list.key(event, props.searchable); }
    }
    function click() {
      field.current.focus();
      if (list.isOpen && !props.searchable) { end(); } else if (!list.isOpen) { list.open(); }
    }
    var pills = chosen.map(function (one) {
      return make("span", { className: "pill", key: one.value },
        make("span", { id: id + "-of-" + one.value }, one.label),
        make("button", {
          type: "button",
          tabIndex: -1, // with the keyboard it is Backspace
          "aria-hidden": true,
          onClick: function (event) { event.stopPropagation(); without(one.value); }
        }, make("i", { className: "sg sg-cross" })));
    });
    return make("div", { className: "select several " + (props.className || "") },
      named(props, id),
      make("div", { className: "box" },
        make("div", { className: "field", onClick: click, onMouseDown: function (event) {
          if (event.target !== field.current) { event.preventDefault(); }
        } },
          pills,
          make("input", Object.assign(fieldMarks(props, id, list), {
            ref: field,
            className: props.searchable ? "typed" : "typed none",
            placeholder: props.placeholder,
            "aria-describedby": chosen.map(function (one) { return id + "-of-" + one.value; }).join(" ") || undefined,
            value: typed,
            onChange: function (event) { setTyped(event.target.value); list.first(); },
            onKeyDown: key,
            onBlur: end
          }))),
        make("i", { className: "chevron", "aria-hidden": true }),
        openList(props, id, list, options, null, choose)));
  }

  /* -- a few choices, all in view ---------------------------------------------------------------------------------- */

  function choices(props, name) {
    return (props.data || []).map(function (one) {
      return make("label", { key: one.value },
        make("input", {
          type: "radio",
          name: name,
          value: one.value,
          checked: one.value === props.value,
          onChange: function () { props.setProps({ value: one.value }); }
        }),
        make("span", null, one.label));
    });
  }

  function SegmentedControl(props) {
    var own = React.useId();
    return make("div", Object.assign(marks(props), { id: idOf(props.id), role: "radiogroup", className: "segments" }),
      choices(props, idOf(props.id) || own));
  }

  function Radios(props) {
    var id = idOf(props.id);
    return make("div", { id: id, role: "radiogroup", "aria-labelledby": id + "-label", className: props.className },
      make("span", { className: "lab", id: id + "-label" }, props.label),
      make("div", { className: "radios" }, choices(props, id)));
  }

  /* -- a field ------------------------------------------------------------------------------------------------------ */

  function Field(props) {
    var id = idOf(props.id);
    var state = React.useState(false);
    var isShown = state[0], setShown = state[1];
    var isSecret = Boolean(props.reveal);
    var reveal = isSecret ? make("button", {
      type: "button",
      className: "reveal",
      "aria-label": props.reveal,
      "aria-pressed": isShown,
      onClick: function () { setShown(!isShown); }
    }) : null;
    return make("div", { className: isSecret ? "secretly " + props.className : props.className },
      named(props, id),
      make("div", { className: "box" },
        make("input", {
          id: id,
          type: isSecret && !isShown ? "password" : "text",
          className: "field",
          value: props.value || "",
          placeholder: props.placeholder,
          autoComplete: isSecret ? "new-password" : "off",
          spellCheck: false,
          onChange: function (event) { props.setProps({ value: event.target.value }); },
          onKeyDown: function (event) {
            if (event.key === "Enter") { props.setProps({ n_submit: (props.n_submit || 0) + 1 }); }
          }
        }),
        reveal));
  }

  /* -- what opens over the page -------------------------------------------------------------------------------------- */

  /* A dialog of the browser: it closes on Escape and gives the focus back. */
  function Dialog(props) {
    var id = idOf(props.id);
    var box = React.useRef(null);
    React.useEffect(function () {
      if (props.opened && !box.current.open) { box.current.showModal(); }
      if (!props.opened && box.current.open) { box.current.close(); }
    }, [props.opened]);
    function close() { props.setProps({ opened: false }); }
    var content = [
      make("header", { key: "head" },
        make("h2", { id: id + "-title" }, props.title),
        make("button", { type: "button", className: "close", onClick: close },
          make("i", { className: "sg sg-cross", "aria-hidden": true }),
          make("span", { className: "vh" }, props.close))),
      make("div", { key: "body", className: "body" }, props.children)
    ];
    return make("dialog", {
      id: id,
      ref: box,
      className: props.className,
      "aria-labelledby": id + "-title",
      onClose: close,
      onKeyDown: function (event) { if (event.key === "Tab") { keepWithin(event, box.current); } },
      onMouseDown: function (event) { if (event.target === box.current) { close(); } }
    }, props.opened ? content : null);
  }

  var ROOM = 8; // pixels between a panel and its place, and between it and the edge of the window

  function between(least, wished, most) { return Math.max(least, Math.min(wished, most)); }

  /* The panel beside the element `.numplace`: to its right, else to its left, else below it or
     over it; within the window. */
  function putBeside(panel, place) {
    var box = place.getBoundingClientRect();
    var origin = (panel.offsetParent || document.body).getBoundingClientRect();
    var width = panel.offsetWidth, height = panel.offsetHeight, wide = document.documentElement.clientWidth;
    var top = between(ROOM, box.top + (box.height - height) / 2, window.innerHeight - height - ROOM);
    var left = box.right + ROOM;
    if (left + width + ROOM > wide) { left = box.left - ROOM - width; }
    if (left < ROOM) {
      left = between(ROOM, box.left, wide - width - ROOM);
      top = between(ROOM, box.bottom + ROOM, window.innerHeight - height - ROOM);
    }
    panel.style.left = left - origin.left + "px";
    panel.style.top = top - origin.top + "px";
  }

  function Popover(props) {
    var place = React.useRef(null);
    var panel = React.useRef(null);
    React.useEffect(function () {
      if (!props.opened) { return undefined; }
      var before = document.activeElement, shown = panel.current;
      var sizes = new ResizeObserver(function () { putBeside(shown, place.current); });
      function close() { props.setProps({ opened: false }); }
      function outside(event) { if (!shown.contains(event.target)) { close(); } }
      function key(event) {
        if (event.key === "Escape") { close(); }
        if (event.key === "Tab") { keepWithin(event, shown); }
      }
      sizes.observe(shown);
      document.addEventListener("mousedown", outside);
      shown.addEventListener("keydown", key);
      var first = shown.querySelector("[data-autofocus]");
      if (first) { first.focus({ preventScroll: true }); }
      return function () {
        sizes.disconnect();
        document.removeEventListener("mousedown", outside);
        shown.removeEventListener("keydown", key);
        if (before && before.isConnected && before !== document.body) { before.focus({ preventScroll: true }); }
      };
    }, [props.opened]);
    return make(React.Fragment, null,
      make("span", { className: "numplace", ref: place }),
      props.opened ? make("div", { id: idOf(props.id), ref: panel, className: props.className }, props.children) : null);
  }

  /* Tab goes around in a panel; where nothing in it takes the focus, it stays where it is. */
  function keepWithin(event, panel) {
    var stops = Array.from(panel.querySelectorAll("a[href],button,input,select,textarea,summary"));
    var at = stops.indexOf(document.activeElement), next = at + (event.shiftKey ? -1 : 1);
    if (stops.length && at >= 0 && next >= 0 && next < stops.length) { return; }
    event.preventDefault();
    if (stops.length) { stops[event.shiftKey ? stops.length - 1 : 0].focus(); }
  }

  window.dashboard = {
    Select: Select, MultiSelect: MultiSelect, SegmentedControl: SegmentedControl, Radios: Radios, Field: Field,
    Dialog: Dialog, Popover: Popover
  };
})();
