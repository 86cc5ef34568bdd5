"""The yardstick: Flask answering a constant to the same request, and nothing else."""

from flask import Flask, Response

app = Flask("bare")


@app.post("/hooks/<carrier>/ussd/<secret>")
def constant(carrier: str, secret: str) -> Response:
    return Response("CON 1 Inscrire un enfant", content_type="text/plain; charset=utf-8")
