"""The elements of `dash.html`, the link and the input of `dash.dcc`, for pages that have thousands of them.

They are the same components, but keep what they are given without checking it: the checks of Dash took more time than
all else on a class page. `dashboard.ui.markup.to_html` refuses what may not be written.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from dash import dcc
from dash import html as dash_html

if TYPE_CHECKING:
    from dash import html as html
    from dash.dcc import Input as Input
    from dash.dcc import Link as Link
else:

    def _keep(self: Any, children: Any = None, **properties: Any) -> None:
        values = self.__dict__
        values.update(properties)
        values["children"] = children

    def _unchecked(component: type, **required: str) -> type:
        """The same kind of component with a constructor that only keeps what it is given."""
        described = {
            name: value
            for name, value in vars(component(**required)).items()
            if name != "children" and name not in required
        }
        own = {name: vars(component)[name] for name in ("__module__", "_namespace", "_children_props", "_type")}
        return type(component)(component.__name__, (component,), {**own, **described, "__init__": _keep})

    html = SimpleNamespace(**{name: _unchecked(getattr(dash_html, name)) for name in dash_html.__all__})
    Link = _unchecked(dcc.Link, href="/")
    Input = _unchecked(dcc.Input)  # in markup only: as a component it is styled by Dash
