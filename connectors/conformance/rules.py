"""The rules on how an endpoint behaves, beside those on what its messages say.

Words never hold a value of an answer.
"""

from __future__ import annotations

from connectors.uwlr.rules import ERROR, WARNING, Rule
from models.schema.records import Finding

_BINDING = "SOAP 1.1, 6.2"
_FAULTS = "UWLR 2.2.1 foutafhandeling"
_PUPILS = "UWLR 2.2 Leerlinggegevens"
_PULL = "docs/pull.md"
_OWN = "eigen regel"


def _rule(id_: str, clause: str, level: str, nl: str, en: str, remedy: str, remedy_en: str) -> Rule:
    return Rule(
        id=id_, clause=clause, level=level, fault=None, nl=nl, en=en, remedy=remedy, remedy_en=remedy_en
    )  # fmt: skip


BEHAVIOUR_RULES = {
    rule.id: rule
    for rule in (
        # -- the connection ----------------------------------------------------------------------------------
        _rule(
            "endpoint.no-answer",
            "HTTP",
            ERROR,
            "Er kwam geen (heel) antwoord. {nl}.",
            "There was no (whole) answer. {en}.",
            "Controleer adres, certificaat en firewall, en of de dienst draait.",
            "Check address, certificate and firewall, and whether the service runs.",
        ),
        _rule(
            "endpoint.slow",
            "eigen grens",
            ERROR,
            "Het antwoord was er niet binnen {limit} seconden.",
            "The answer was not there within {limit} seconds.",
            "Antwoord binnen 30 seconden en in één keer; gebruik voor grote scholen de getrapte overdracht.",
            "Answer within 30 seconds and in one go; use the staged transfer for large schools.",
        ),
        _rule(
            "endpoint.too-large",
            "eigen grens",
            ERROR,
            "Het antwoord is groter dan {limit} MB.",
            "The answer is larger than {limit} MB.",
            "Toets met een kleinere school, of antwoord met minder resultaten tegelijk.",
            "Test with a smaller school, or answer with fewer results at a time.",
        ),
        _rule(
            "endpoint.redirect",
            "HTTP",
            ERROR,
            "De server verwijst door naar een ander adres; dat wordt niet gevolgd.",
            "The server redirects to another address; that is not followed.",
            "Antwoord op het adres zelf, of geef het nieuwe adres op.",
            "Answer at the address itself, or give the new address.",
        ),
        _rule(
            "endpoint.html",
            _BINDING,
            ERROR,
            "Het antwoord is een webpagina, geen SOAP.",
            "The answer is a web page, not SOAP.",
            "Laat ook foutpagina's van server en proxy een SOAP-Fault zijn; controleer het adres.",
            "Have error pages of server and proxy be a SOAP Fault too; check the address.",
        ),
        _rule(
            "endpoint.stack-trace",
            _FAULTS,
            ERROR,
            "Het antwoord toont een foutspoor van het programma (stack trace).",
            "The answer shows a stack trace of the program.",
            "Schrijf in faultstring een zin voor mensen en houd het foutspoor in het eigen logboek.",
            "Write a sentence for people in faultstring and keep the stack trace in your own log.",
        ),
        _rule(
            "endpoint.secret",
            _OWN,
            ERROR,
            "De foutmelding herhaalt de autorisatiesleutel.",
            "The Fault repeats the autorisatiesleutel.",
            "Neem nooit waarden uit het verzoek op in een foutmelding.",
            "Never put values of the request into a Fault.",
        ),
        # -- an answer that should hold data -----------------------------------------------------------------
        _rule(
            "answer.status",
            _BINDING,
            ERROR,
            "Een goed antwoord hoort HTTP 200 te hebben.",
            "A right answer should have HTTP 200.",
            "Geef HTTP 200 bij een antwoord en HTTP 500 bij een Fault.",
            "Give HTTP 200 with an answer and HTTP 500 with a Fault.",
        ),
        _rule(
            "answer.media-type",
            _BINDING,
            ERROR,
            "Het Content-Type van het antwoord is niet text/xml.",
            "The Content-Type of the answer is not text/xml.",
            "Gebruik SOAP 1.1 met Content-Type: text/xml; charset=utf-8.",
            "Use SOAP 1.1 with Content-Type: text/xml; charset=utf-8.",
        ),
        _rule(
            "answer.not-soap",
            "SOAP 1.1, 4",
            ERROR,
            "Het antwoord staat niet in een envelop van SOAP 1.1.",
            "The answer is not in an envelope of SOAP 1.1.",
            "Antwoord met een Envelope in de namespace http://schemas.xmlsoap.org/soap/envelope/.",
            "Answer with an Envelope in the namespace http://schemas.xmlsoap.org/soap/envelope/.",
        ),
        _rule(
            "answer.element",
            "UWLR 2.2 WSDL",
            ERROR,
            "In de Body staat niet het element dat bij dit verzoek hoort; verwacht werd {expected}.",
            "The Body does not hold the element that goes with this request; expected was {expected}.",
            "Antwoord met {expected}, in zijn eigen namespace.",
            "Answer with {expected}, in its own namespace.",
        ),
        _rule(
            "answer.fault",
            _FAULTS,
            ERROR,
            "Een juist verzoek wordt met een Fault beantwoord ({code}).",
            "A right request is answered with a Fault ({code}).",
            "Controleer sleutel, klantcode, klantnaam, school en schooljaar; zijn die goed, geef dan antwoord.",
            "Check key, klantcode, klantnaam, school and school year; if those are right, answer the request.",
        ),
        _rule(
            "answer.school",
            _PUPILS,
            ERROR,
            "Het antwoord is van een andere school of vestiging dan gevraagd is.",
            "The answer is of another school or location than was asked.",
            "Antwoord alleen over de school in het verzoek.",
            "Answer about the school in the request only.",
        ),
        _rule(
            "answer.school-year",
            _PUPILS,
            ERROR,
            "Het antwoord is van een ander schooljaar dan gevraagd is.",
            "The answer is of another school year than was asked.",
            "Antwoord over het schooljaar in het verzoek, of met geengegevens.",
            "Answer about the school year in the request, or with geengegevens.",
        ),
        # -- an answer that should be a Fault ----------------------------------------------------------------
        _rule(
            "fault.none",
            _FAULTS,
            ERROR,
            "Een verzoek dat geweigerd moet worden, wordt beantwoord; verwacht werd een Fault {expected}.",
            "A request that must be refused is answered; expected was a Fault {expected}.",
            "Weiger dit verzoek met {expected}.",
            "Refuse this request with {expected}.",
        ),
        _rule(
            "fault.missing",
            _FAULTS,
            ERROR,
            "Het verzoek is geweigerd, maar niet met een Fault van SOAP 1.1; verwacht werd {expected}.",
            "The request is refused, but not with a Fault of SOAP 1.1; expected was {expected}.",
            "Antwoord met HTTP 500, text/xml en een Fault met code {expected}.",
            "Answer with HTTP 500, text/xml and a Fault with code {expected}.",
        ),
        _rule(
            "fault.status",
            _BINDING,
            ERROR,
            "De Fault komt niet met HTTP 500.",
            "The Fault does not come with HTTP 500.",
            "Stuur een Fault met HTTP 500; veel clients lezen hem anders niet.",
            "Send a Fault with HTTP 500; many clients do not read it otherwise.",
        ),
        _rule(
            "fault.media-type",
            _BINDING,
            ERROR,
            "Het Content-Type van de Fault is niet text/xml.",
            "The Content-Type of the Fault is not text/xml.",
            "Gebruik Content-Type: text/xml; charset=utf-8.",
            "Use Content-Type: text/xml; charset=utf-8.",
        ),
        _rule(
            "fault.code",
            _FAULTS,
            ERROR,
            "De faultcode is niet die van deze fout; verwacht werd {expected}, er kwam {code}.",
            "The faultcode is not the one of this error; expected was {expected}, {code} came.",
            "Gebruik achter de dubbele punt {expected}.",
            "Use {expected} after the colon.",
        ),
        _rule(
            "fault.code-other",
            _FAULTS,
            WARNING,
            "De faultcode {code} komt in de praktijk voor, maar de afspraak noemt hier {expected}.",
            "The faultcode {code} is seen in practice, but the agreement names {expected} here.",
            "Gebruik achter de dubbele punt {expected}.",
            "Use {expected} after the colon.",
        ),
        _rule(
            "fault.prefix",
            _FAULTS,
            WARNING,
            "De faultcode heeft geen prefix van de namespace van de envelop.",
            "The faultcode has no prefix of the namespace of the envelope.",
            "Schrijf de code met de prefix van de envelop, zoals soap:Client.OngeldigBericht.",
            "Write the code with the prefix of the envelope, such as soap:Client.OngeldigBericht.",
        ),
        _rule(
            "fault.text",
            _FAULTS,
            WARNING,
            "De faultstring is leeg; die is het enige wat een beheerder te lezen krijgt.",
            "The faultstring is empty; it is all that an administrator gets to read.",
            "Zeg in faultstring in een zin wat er mis is, zonder waarden uit het verzoek.",
            "Say in faultstring in one sentence what is wrong, without values of the request.",
        ),
        # -- a LAS -------------------------------------------------------------------------------------------
        _rule(
            "las.no-data",
            _PUPILS,
            WARNING,
            "Het antwoord is geengegevens: er is niets om te toetsen.",
            "The answer is geengegevens: there is nothing to judge.",
            "Toets met een school en schooljaar die leerlingen hebben.",
            "Test with a school and school year that have pupils.",
        ),
        _rule(
            "las.unasked-no-changes",
            "UWLR 2.2 laatstontvangengegevens",
            ERROR,
            "Het antwoord is geenwijzigingen, hoewel het verzoek geen laatstontvangengegevens heeft.",
            "The answer is geenwijzigingen though the request has no laatstontvangengegevens.",
            "Stuur zonder laatstontvangengegevens altijd alle gegevens.",
            "Without laatstontvangengegevens always send all data.",
        ),
        _rule(
            "las.no-changes",
            "UWLR 2.2 laatstontvangengegevens",
            WARNING,
            "Er is niets gewijzigd sinds het gevraagde moment, maar het antwoord is niet geenwijzigingen.",
            "Nothing changed since the moment in the request, but the answer is not geenwijzigingen.",
            "Antwoord met geenwijzigingen als er sinds laatstontvangengegevens niets gewijzigd is.",
            "Answer with geenwijzigingen where nothing changed since laatstontvangengegevens.",
        ),
        _rule(
            "las.changes-lost",
            "UWLR 2.2 laatstontvangengegevens",
            ERROR,
            "Sinds een moment van lang geleden is er van alles gewijzigd, maar het antwoord heeft geen gegevens.",
            "Much has changed since a moment long ago, but the answer has no data.",
            "Vergelijk laatstontvangengegevens met de laatste wijziging; bij twijfel: stuur alles.",
            "Compare laatstontvangengegevens with the last change; when in doubt send everything.",
        ),
        _rule(
            "las.personal-number",
            "Testschool",
            ERROR,
            "Een bsn, sofinummer, onderwijsnummer of eckid doorstaat de elfproef ({count} keer): het kan van een echt "
            "kind zijn.",
            "A bsn, sofinummer, onderwijsnummer or eckid passes the eleven test ({count} times): it may be of a real "
            "child.",
            "Gebruik in een testschool verzonnen leerlingen, zonder zulke nummers.",
            "Use made-up pupils in a test school, without such numbers.",
        ),
        _rule(
            "las.personal-number-key",
            "Testschool",
            WARNING,
            "Een leerlingid (@key) doorstaat de elfproef ({count} keer): het kan het nummer van een echt kind zijn.",
            "A leerlingid (@key) passes the eleven test ({count} times): it may be the number of a real child.",
            "Gebruik als @key een sleutel van de administratie zelf.",
            "Use a key of the administration itself as @key.",
        ),
        _rule(
            "las.staged-differs",
            _PUPILS,
            ERROR,
            "Alles-in-één en getrapt geven niet dezelfde leerlingen met dezelfde groepen ({count} verschillen).",
            "All-in-one and staged do not give the same pupils with the same groups ({count} differences).",
            "Laat beide vormen dezelfde leerlingen, sleutels en groepen leveren.",
            "Have both forms deliver the same pupils, keys and groups.",
        ),
        # -- a publisher that is asked -----------------------------------------------------------------------
        _rule(
            "publisher.no-data",
            _PULL,
            WARNING,
            "Het antwoord heeft geen resultaten: er is niets om te toetsen.",
            "The answer has no results: there is nothing to judge.",
            "Toets met een school en schooljaar die resultaten hebben.",
            "Test with a school and school year that have results.",
        ),
        _rule(
            "publisher.unasked-no-changes",
            _PULL,
            ERROR,
            "Het antwoord is geenwijzigingen, hoewel het verzoek geen laatstontvangen heeft.",
            "The answer is geenwijzigingen though the request has no laatstontvangen.",
            "Stuur zonder laatstontvangen alles van het schooljaar, of geengegevens.",
            "Without laatstontvangen send all of the school year, or geengegevens.",
        ),
        _rule(
            "publisher.changes-lost",
            _PULL,
            ERROR,
            "Het antwoord op een moment van lang geleden mist resultaten die het eerste antwoord had ({count}).",
            "The answer to a moment long ago lacks results that the first answer had ({count}).",
            "Stuur elk resultaat dat na laatstontvangen gemaakt of gewijzigd is, met steeds dezelfde resultaat/@key.",
            "Send every result made or changed after laatstontvangen, always with the same resultaat/@key.",
        ),
        _rule(
            "publisher.created-order",
            _PULL,
            ERROR,
            "De aanmaakdatum van een later antwoord ligt voor die van een eerder antwoord.",
            "The aanmaakdatum of a later answer lies before that of an earlier answer.",
            "Laat aanmaakdatum nooit teruglopen.",
            "Never let aanmaakdatum run backwards.",
        ),
        _rule(
            "publisher.school-year",
            _PULL,
            WARNING,
            "De resultaten zijn van een ander schooljaar dan gevraagd is.",
            "The results are of another school year than was asked.",
            "Antwoord over het schooljaar in het verzoek.",
            "Answer about the school year in the request.",
        ),
        # -- a sender at its test address ------------------------------------------------------------------------
        _rule(
            "sender.again-and-again",
            _FAULTS,
            ERROR,
            "Na een weigering die niet vanzelf overgaat kwam hetzelfde bericht steeds opnieuw.",
            "After a refusal that does not pass by itself the same message came again and again.",
            "Stop na een Client-fout; pas het bericht aan, of laat een mens beslissen.",
            "Stop after a Client fault; change the message, or let a person decide.",
        ),
    )
}


def behaviour_finding(rule_id: str, **words: str | int) -> Finding:
    """A finding by a rule of this module; `words` fill its sentences: names, codes and counts, never values."""
    rule = BEHAVIOUR_RULES[rule_id]
    return Finding(
        rule=rule.id,
        level=rule.level,
        clause=rule.clause,
        message_nl=rule.nl.format(**words),
        message_en=rule.en.format(**words),
        remedy=rule.remedy.format(**words),
        remedy_en=rule.remedy_en.format(**words),
    )
