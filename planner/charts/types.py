"""What plotly.js takes: {"data": […], "layout": {…}}."""

from __future__ import annotations

from typing import Any

Figure = dict[str, Any]
Trace = dict[str, Any]
