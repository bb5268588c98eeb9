"""helm test: buys a drink through the front door, and asks every copy whether it is ready.

Arguments: host:port of the front door, then of each headless Service. Exit 1 with one sentence.
"""

import http.client
import json
import socket
import sys
import uuid

PAID = ("paid", "assigned")  # a shop may have it already


def ask(host: str, port: int, method: str, path: str, body: object = None) -> tuple[int, dict]:
    """Status and JSON of one request; host may be an address or a name with a final dot."""
    connection = http.client.HTTPConnection(host, port, timeout=10)
    headers = {"Host": "teashop", "X-User": "helm-test", "Content-Type": "application/json"}
    if method == "POST":
        headers["Idempotency-Key"] = uuid.uuid4().hex
    try:
        connection.request(method, path, json.dumps(body) if body is not None else None, headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"{}")
    except (OSError, http.client.HTTPException, ValueError) as error:
        sys.exit(f"{method} {path} of {host}:{port}: {error}")
    finally:
        connection.close()


def expect(what: str, wanted: int, got: tuple[int, dict]) -> dict:
    """The answer, if its status is the wanted one."""
    if got[0] != wanted:
        sys.exit(f"{what}: wanted {wanted}, got {got[0]}: {got[1]}")
    print(f"{what}: {got[0]}")
    return got[1]


def main() -> None:
    """Buy, pay, look; then count the copies."""
    front, *headless = sys.argv[1:]
    host, _, port = front.rpartition(":")
    menu = expect("the menu", 200, ask(host, int(port), "GET", "/menu"))
    how = {"size": "medium", "sugar": "full", "ice": "regular", "quantity": 1}
    line = {"drink": menu["menu"][0]["drink"], **how}
    cart = {"user": "helm-test", "shop": "shop-1", "items": [line], "coupon": False}
    order = expect("a checkout", 201, ask(host, int(port), "POST", "/checkout", cart))["order_id"]
    expect("its payment", 200, ask(host, int(port), "POST", f"/orders/{order}/payment", {}))
    seen = expect("its status", 200, ask(host, int(port), "GET", f"/orders/{order}"))
    if seen.get("state") not in PAID:
        sys.exit(f"order {order} should be paid, but is {seen.get('state')}")
    for service in headless:
        host, _, port = service.rpartition(":")
        found = {a[4][0] for a in socket.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)}
        for address in sorted(found):
            expect(f"{host} at {address}", 200, ask(address, int(port), "GET", "/readyz"))


main()
