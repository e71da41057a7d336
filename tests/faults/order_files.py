"""Order files of mixed kinds, drawn by lot; each with the lines in it and what must come of it."""

import random
import uuid
from dataclasses import dataclass

HEADER = "Rechnung;Datum;Kunde;Artikel;Bezeichnung;Menge;Einzelpreis\n"
POUNDS = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
KINDS = {"good": 10, "pounds": 4, "few bad": 4, "bad": 2, "broken": 2, "large": 2, "approval": 1}


@dataclass(frozen=True)
class OrderFile:
    """A file that nobody has sent before, and the outcomes that it may have without faults."""

    kind: str
    key: str
    content: bytes
    outcome: str


def draw(lot: random.Random) -> OrderFile:
    """A file of one of the kinds, the frequent ones more often."""
    kind = lot.choices(list(KINDS), list(KINDS.values()))[0]
    name = uuid.uuid4().hex  # not by lot: a seed that is run again brings new orders, too
    partner = "online-retail" if kind == "pounds" else "nordwind"
    makers = {
        "good": lambda: HEADER + lines(lot, name, lot.randint(1, 60)),
        "pounds": lambda: POUNDS + pounds(name, lot.randint(1, 60)),
        "few bad": lambda: HEADER + lines(lot, name, 60) + bad(name, lot.randint(1, 3)),
        "bad": lambda: HEADER + lines(lot, name, 10) + bad(name, 10),
        "broken": lambda: lot.choice(("", "a;b\n", HEADER + 'x;"y\n' + name)) + name,
        "large": lambda: HEADER + lines(lot, name, 1500),
        "approval": lambda: HEADER + line(name, quantity=1000, price="30.00"),
    }
    outcome = "Rejected" if kind in ("bad", "broken") else "Accepted"
    key = f"incoming/{partner}/{name}.csv"
    return OrderFile(kind, key, makers[kind]().encode(), outcome)


def lines(lot: random.Random, name: str, count: int) -> str:
    """So many good lines of one order."""
    return "".join(line(name, quantity=lot.randint(1, 9)) for _ in range(count))


def line(name: str, quantity: int = 2, price: str = "1.05") -> str:
    """A good line of nordwind's; customer and text are the file's own, to be found in leaks."""
    return f"NW-{name[:12]};03.12.2010;K-{name};KLB-48;Klebeband {name};{quantity};{price}\n"


def bad(name: str, count: int) -> str:
    """So many lines without a number for a price."""
    return line(name, price="1,05") * count


def pounds(name: str, count: int) -> str:
    """So many good lines of online-retail's, which need a rate."""
    row = f"{name[:12]},85123A,LANTERN {name},6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n"
    return row * count
