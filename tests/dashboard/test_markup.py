"""Elements as markup: what is written parses back to the same, and no text or value becomes anything else."""

from __future__ import annotations

from typing import Any

import pytest
from dash import dcc
from dash.development.base_component import Component
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree
from lxml import html as parser

from dashboard.ui.components import Field
from dashboard.ui.elements import Link, html
from dashboard.ui.markup import block, blocks, to_html
from dashboard.ui.signs import num, sign
from tests.dashboard.markup import elements_of

# What XML can hold: the texts that come in through UWLR.
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"))
HOSTILE = (
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\"><svg onload=alert(1)>", "' onclick='alert(1)",
    "</div></section><b>", "&lt;b&gt;", "<!-- ", "]]>", "javascript:alert(1)",
)  # fmt: skip


def parsed(markup: str) -> Any:
    """The markup as an HTML parser reads it."""
    return parser.fragment_fromstring(markup, create_parent="div")


@given(TEXTS, TEXTS)
def test_any_text_and_any_value_stay_what_they_are(text: str, value: str) -> None:
    markup = to_html(html.P([html.B(text), " ", text], title=value, **{"data-x": value}))
    [found] = etree.fromstring(f"<div>{markup}</div>")
    assert "".join(found.itertext()) == f"{text} {text}"
    assert [element.tag for element in found.iter()] == ["p", "b"]
    assert dict(found.attrib) == {"title": value, "data-x": value}


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_text_is_a_text(hostile: str) -> None:
    markup = to_html(html.Div([hostile, html.Span(hostile, title=hostile, className=hostile)], id="x"))
    [found] = parsed(markup)
    assert [item.tag for item in found.iter()] == ["div", "span"]
    assert found.text == hostile
    assert dict(found[0].attrib) == {"title": hostile, "class": hostile}


def test_elements_attributes_and_styles_are_written_as_a_browser_reads_them() -> None:
    tree = [
        html.Table(html.Tbody(html.Tr([html.Th("a", colSpan=2, scope="row"), html.Td(3, rowSpan=2)])), tabIndex=0),
        html.Label("b", htmlFor="c", className="d e"),
        html.Details([html.Summary("f"), html.Br()], open=True),
        html.Details(html.Summary("f"), open=False),
        html.Option("g", value="h", disabled=False),
        html.I(style={"minWidth": "230px", "width": "50%"}, **{"aria-hidden": "true"}),
        html.Img(src="data:image/svg+xml,%3Csvg/%3E", alt="", width=112),
        None,
        0,
    ]
    assert to_html(tree) == (
        '<table tabindex="0"><tbody><tr><th colspan="2" scope="row">a</th><td rowspan="2">3</td></tr></tbody></table>'
        '<label for="c" class="d e">b</label><details open=""><summary>f</summary><br/></details>'
        '<details><summary>f</summary></details><option value="h">g</option>'
        '<i style="min-width:230px;width:50%" aria-hidden="true"></i>'
        '<img src="data:image/svg+xml,%3Csvg/%3E" alt="" width="112"/>0'
    )


def test_a_link_of_dash_says_that_it_changes_the_page() -> None:
    markup = to_html(Link([sign("back"), "Terug"], href="/groep?klas=1&vak=x", className="back"))
    assert markup == (
        '<a href="/groep?klas=1&amp;vak=x" class="back" data-link=""><i class="sg sg-back" aria-hidden="true"></i>'
        "Terug</a>"
    )


@pytest.mark.parametrize(
    "odd",
    [
        dcc.Store(id="x"), dcc.Graph(), Field(), html.Script("x"), html.Iframe(src="/"), html.Meta(),
        html.A("x", href="javascript:alert(1)"), html.A("x", href=" javascript:alert(1)"),
        html.A("x", href="java\tscript:alert(1)"), html.Img(src="data:text/html,x"), Link("x", href="vbscript:x"),
        html.Form(action="javascript:x"), html.Button("x", id={"type": "a", "index": 1}),
    ],
)  # fmt: skip
def test_what_must_stay_a_component_or_would_run_is_refused(odd: Component) -> None:
    with pytest.raises(ValueError, match=r"component|attribute|leads"):
        to_html(html.Div(odd))


def test_a_block_keeps_its_own_element_and_holds_the_rest_as_markup() -> None:
    section = html.Section([html.H2("Op koers"), num("group", "3")], className="card", id="x", **{"data-count": "3"})
    [found] = blocks([None, section])
    assert found.to_plotly_json() == {
        "type": "Section",
        "namespace": "dash_html_components",
        "props": {
            "className": "card",
            "id": "x",
            "children": None,
            "data-count": "3",
            "data-markup": (
                '<h2>Op koers</h2><button class="num" data-why="group" aria-describedby="why-hint">3</button>'
            ),
        },
    }
    link = Link("x", href="/groep")
    assert block(link) is link


def test_the_tests_read_back_what_was_written() -> None:
    tree = html.Div([html.B("a"), " · ", Link("b", href="/c"), html.Br()], className="d")
    assert elements_of(to_html(tree)) == [
        {
            "type": "Div",
            "namespace": "dash_html_components",
            "props": {
                "className": "d",
                "children": [
                    {"type": "B", "namespace": "dash_html_components", "props": {"children": "a"}},
                    " · ",
                    {"type": "Link", "namespace": "dash_core_components", "props": {"href": "/c", "children": "b"}},
                    {"type": "Br", "namespace": "dash_html_components", "props": {}},
                ],
            },
        }
    ]
