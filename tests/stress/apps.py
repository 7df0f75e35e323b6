"""Applications as users write them: one client at module level, used before the fork and in every worker. For `test_processes.py`."""

from __future__ import annotations

import os
import pathlib
from typing import Any

import llmclient

client = llmclient.Client(providers={"openai": {"api_key": "k-12345678", "api_base": os.environ["STRESS_URL"]}}, timeout=20)


def ask(nonce: str) -> dict[str, Any]:
    """Ask, alternately by a call and a stream, and say what came and in which process."""
    question = f"{nonce} pid-{os.getpid()}-"
    if int(nonce[-1], 16) % 2:
        return {"text": client.chat("openai/gpt-4o-mini", question).text, "pid": os.getpid()}
    with client.stream("openai/gpt-4o-mini", question) as stream:
        return {"text": "".join(chunk.text for chunk in stream), "pid": os.getpid()}


def flask() -> Any:
    """Return a Flask application; a connection is open before its workers are forked."""
    import flask

    app = flask.Flask("stress")
    app.add_url_rule("/<nonce>", "ask", lambda nonce: flask.jsonify(ask(nonce)))
    ask("nonce-" + "1" * 32)
    return app


def django() -> Any:
    """Return a Django application; a connection is open before its workers are forked."""
    import django.conf
    import django.core.wsgi
    import django.http
    import django.urls

    view = lambda request, nonce: django.http.JsonResponse(ask(nonce))  # noqa: E731 - one line in a list of addresses
    urls = type("urls", (), {"urlpatterns": [django.urls.path("<nonce>", view)]})
    django.conf.settings.configure(ROOT_URLCONF=urls, ALLOWED_HOSTS=["*"], SECRET_KEY="stress", USE_TZ=True)
    app = django.core.wsgi.get_wsgi_application()
    ask("nonce-" + "1" * 32)
    return app


def celery() -> Any:
    """Return a Celery application whose broker is a folder; a connection is open before its workers are forked."""
    import celery

    folder = pathlib.Path(os.environ["STRESS_FOLDER"])
    (folder / "results").mkdir(exist_ok=True)
    app = celery.Celery("stress", broker="filesystem://", backend=f"file://{folder / 'results'}")
    queue = {"data_folder_in": str(folder), "data_folder_out": str(folder), "control_folder": str(folder / "control")}
    app.conf.update(broker_transport_options=queue, broker_connection_retry_on_startup=True, worker_hijack_root_logger=False, result_expires=None)
    app.task(name="ask")(ask)
    return app
