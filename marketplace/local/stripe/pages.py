"""The pages that people see: paying, authenticating, onboarding. Plain HTML that works without scripts.

Each says at its top that it is a test processor.
"""

from __future__ import annotations

from html import escape
from typing import Any

from marketplace.local.stripe.cards import CARDS
from marketplace.local.stripe.money import words
from marketplace.local.stripe.state import Object

_STYLE = """
:root{color-scheme:light dark;--ink:#1a1f36;--paper:#fff;--ground:#f6f8fa;--line:#687385;--act:#4b3fd1;--on-act:#fff;
--warn:#7a3b00;--warn-ground:#fff4e0;--bad:#a30f1f;--bad-ground:#ffe9ea}
@media(prefers-color-scheme:dark){:root{--ink:#eceef5;--paper:#1d2130;--ground:#12151f;--line:#9aa3b5;--act:#a79dff;
--on-act:#12151f;--warn:#ffd9a0;--warn-ground:#3a2a10;--bad:#ffb3ba;--bad-ground:#451a20}}
*{box-sizing:border-box}body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
.test{background:var(--warn-ground);color:var(--warn);padding:.6rem 1rem;text-align:center;font-weight:600;margin:0}
main{max-width:30rem;margin:2rem auto;padding:1.5rem;background:var(--paper);border-radius:.75rem}
h1{font-size:1.25rem;margin:0 0 1rem}table{width:100%;border-collapse:collapse;margin-bottom:1rem}
th,td{padding:.3rem 0;text-align:left;font-weight:400}td:last-child{text-align:right;font-variant-numeric:tabular-nums}
tfoot th,tfoot td{font-weight:700;border-top:1px solid var(--line)}
label{display:block;margin:.75rem 0 .25rem;font-weight:600}.two{display:grid;grid-template-columns:1fr 1fr;gap:0 1rem}
input,select{width:100%;padding:.6rem;font:inherit;color:inherit;background:var(--paper);border:1px solid var(--line);
border-radius:.4rem}
button{width:100%;margin-top:1.25rem;padding:.75rem;font:inherit;font-weight:700;border:1px solid var(--act);
border-radius:.4rem;background:var(--act);color:var(--on-act);cursor:pointer}
button.no{background:transparent;color:var(--act)}:focus-visible{outline:3px solid var(--act);outline-offset:2px}
.bad{background:var(--bad-ground);color:var(--bad);padding:.75rem;border-radius:.4rem;margin:0 0 1rem}
a{color:var(--act)}details{margin-top:1.5rem}code{font-size:.9em}summary{cursor:pointer}
"""
_NOTICE = "Test payment processor. No real card works here, and no money moves."
_COUNTRIES = ("NL", "BE", "DE", "FR", "GB", "US")


def page(title: str, body: str) -> str:
    """A whole page; ``body`` is HTML."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        '<link rel="icon" href="data:,">'
        f'<style>{_STYLE}</style></head><body><p class="test" role="note">{_NOTICE}</p>'
        f"<main><h1>{escape(title)}</h1>{body}</main></body></html>"
    )


def checkout(session: Object, items: list[Object], problem: str | None, given: dict[str, str]) -> str:
    """The page on which a session is paid, or a card is left."""
    paying = session["mode"] == "payment"
    total = words(session["amount_total"], session["currency"]) if paying else ""
    body = [
        f'<p class="bad" role="alert">{escape(problem)}</p>' if problem else "",
        _bill(session, items) if paying else "<p>Your card is checked and kept. Nothing is charged today.</p>",
        f'<form method="post" action="/c/pay/{session["id"]}">',
        _input("email", "E-mail", given.get("email") or session["customer_email"] or "", "email", "email"),
        _input("number", "Card number", given.get("number", ""), "text", "cc-number", "numeric"),
        '<div class="two"><div>',
        _input("expiry", "Expiry (month/year)", given.get("expiry", "12/34"), "text", "cc-exp"),
        "</div><div>",
        _input("cvc", "Security code", given.get("cvc", "123"), "text", "cc-csc", "numeric"),
        "</div></div>",
        _input("name", "Name on card", given.get("name", "Test Buyer"), "text", "cc-name"),
        _countries(given.get("country", "NL")),
        f'<button type="submit">{f"Pay {escape(total)}" if paying else "Save card"}</button></form>',
        _cancel(session),
        _known_cards(),
    ]
    return page("Pay" if paying else "Save a card", "".join(body))


def authenticate(intent: Object, merchant: str) -> str:
    """The bank's question: is it you?"""
    paying = intent["object"] == "payment_intent"
    what = f"a payment of {words(intent['amount'], intent['currency'])}" if paying else "that your card is kept"
    return page(
        "3-D Secure: your bank asks",
        f"<p>Do you confirm {escape(what)} for {escape(merchant)}?</p>"
        f'<form method="post" action="/authenticate/{intent["id"]}">'
        '<button type="submit" name="answer" value="yes">Confirm</button>'
        '<button type="submit" name="answer" value="no" class="no">Deny</button></form>',
    )


def onboarding(account: Object, token: str) -> str:
    """Where a seller would tell who they are."""
    due = "".join(f"<li><code>{escape(name)}</code></li>" for name in account["requirements"]["currently_due"])
    asked = f"<p>Still needed:</p><ul>{due}</ul>" if due else "<p>Nothing more is needed.</p>"
    return page(
        "Set up payouts",
        f"<p>Account <code>{escape(account['id'])}</code> in {escape(account['country'])}.</p>{asked}"
        f'<form method="post" action="/onboarding/{account["id"]}/{token}">'
        '<button type="submit" name="answer" value="complete">Complete with test data</button>'
        '<button type="submit" name="answer" value="leave" class="no">Leave without completing</button></form>',
    )


def message(title: str, text: str, link: tuple[str, str] | None = None) -> str:
    """A page that only says something; ``link`` is where to go from there, and its words."""
    onward = f'<p><a href="{escape(link[0])}">{escape(link[1])}</a></p>' if link else ""
    return page(title, f"<p>{escape(text)}</p>{onward}")


def invoice(found: Object) -> str:
    """An invoice that was paid."""
    rows = "".join(
        f"<tr><th scope='row'>{escape(line['description'] or '')} × {line['quantity']}</th>"
        f"<td>{words(line['amount'], line['currency'])}</td></tr>"
        for line in found["lines"]["data"]
    )
    total = words(found["total"], found["currency"])
    return page(f"Invoice {found['number']}", f"<table>{rows}<tfoot>{_row('Paid', total)}</tfoot></table>")


def receipt(charge: Object) -> str:
    """The receipt of a charge."""
    rows = _row("Paid", words(charge["amount_captured"], charge["currency"]))
    rows += _row("Given back", words(charge["amount_refunded"], charge["currency"]))
    return page("Receipt", f"<table>{rows}</table>")


def _bill(session: Object, items: list[Object]) -> str:
    currency = session["currency"]
    rows = "".join(
        _row(f"{item['description']} × {item['quantity']}", words(item["amount_subtotal"], currency)) for item in items
    )
    tax = session["total_details"]["amount_tax"]
    if session["automatic_tax"]["enabled"]:
        within = session["amount_total"] == session["amount_subtotal"]
        rows += _row("Tax, within the price" if within and tax else "Tax", words(tax, currency))
    foot = _row("Total", words(session["amount_total"], currency))
    return f"<table><tbody>{rows}</tbody><tfoot>{foot}</tfoot></table>"


def _row(name: str, value: str) -> str:
    return f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>'


def _input(name: str, label: str, value: str, kind: str, complete: str, mode: str | None = None) -> str:
    keyboard = f' inputmode="{mode}"' if mode else ""
    return (
        f'<label for="{name}">{escape(label)}</label><input id="{name}" name="{name}" type="{kind}" required '
        f'autocomplete="{complete}" value="{escape(value)}"{keyboard}>'
    )


def _countries(chosen: str) -> str:
    options = "".join(
        f'<option value="{code}"{" selected" if code == chosen else ""}>{code}</option>' for code in _COUNTRIES
    )
    return f'<label for="country">Country</label><select id="country" name="country">{options}</select>'


def _cancel(session: Object) -> str:
    back = session["cancel_url"]
    return f'<p><a href="{escape(back)}">Cancel and go back</a></p>' if back else ""


def _known_cards() -> str:
    rows = "".join(f"<li><code>{card.number}</code> {escape(_does(card))}</li>" for card in CARDS)
    return f"<details><summary>Test cards</summary><ul>{rows}</ul></details>"


def _does(card: Any) -> str:
    words_of = []
    if card.asks != "never":
        words_of.append("the bank asks you to confirm")
    if card.decline:
        words_of.append(f"then declines ({card.decline.decline_code or card.decline.code})")
    if card.dispute:
        words_of.append("is disputed afterwards")
    if card.refund != "succeeded":
        words_of.append(f"refunds are {card.refund}")
    return ", ".join(words_of) or f"pays ({card.brand})"
