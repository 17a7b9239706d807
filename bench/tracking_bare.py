"""The limit that our appends are compared with: a view that reads JSON and writes the rows.

It has our service's database settings and nothing else: no middleware, no sign-in, no rates, no
checks, one table without an index but its key, and a repeat would be stored twice.
"""

from __future__ import annotations

import json

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from tracker import settings as ours

COLUMNS = "name, attempt, step, value, client_s"

settings.configure(
    ALLOWED_HOSTS=["*"],
    DATABASES=ours.DATABASES,
    DEFAULT_AUTO_FIELD=ours.DEFAULT_AUTO_FIELD,
    MIDDLEWARE=[],
    ROOT_URLCONF=__name__,
    SECRET_KEY=ours.SECRET_KEY,
    USE_TZ=True,
)


@csrf_exempt
def append(request: HttpRequest) -> HttpResponse:
    points = json.loads(request.body)
    items = points if isinstance(points, list) else [points]
    rows = [(item["name"], 0, item["step"], item["value"], item["time"]) for item in items]
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY bare ({COLUMNS}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            cursor.executemany(f"INSERT INTO bare ({COLUMNS}) VALUES (%s, %s, %s, %s, %s)", rows)  # noqa: S608
    return JsonResponse({"stored": len(rows)}, status=201)


urlpatterns = [path("append", append)]
application = get_wsgi_application()

KEYS = {"sqlite": "integer PRIMARY KEY", "postgresql": "bigserial PRIMARY KEY"}
with connection.cursor() as at_start:
    at_start.execute(
        f"CREATE TABLE IF NOT EXISTS bare (id {KEYS[connection.vendor]}, name varchar(250), "
        "attempt integer, step bigint, value double precision, client_s double precision)"
    )
connection.close()  # opened by the thread that imports this, used by none
