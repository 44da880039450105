"""JSON on request: fields named, an example shown, a schema described, or values taken from a text."""
import json

from .source import system, turn
from .words import ANIMALS, COLORS, FOODS, HOBBIES, JOBS, code, coined, company, date, number, person, place, thing


def dump(value):
    return json.dumps(value, ensure_ascii=False)


FIELDS = {
    "name": lambda s: s.entity(person), "city": lambda s: s.entity(place), "age": lambda s: s.randint(5, 95), "colour": lambda s: s.choice(COLORS),
    "job": lambda s: s.choice(JOBS), "code": lambda s: s.entity(code), "price": lambda s: s.randint(1, 999), "count": lambda s: s.randint(1, 99),
    "active": lambda s: s.chance(0.5), "date": date, "company": lambda s: s.entity(company), "food": lambda s: s.choice(FOODS),
    "hobby": lambda s: s.choice(HOBBIES), "animal": lambda s: s.choice(ANIMALS), "id": lambda s: s.randint(1, 9999), "title": lambda s: s.entity(thing),
    "country": lambda s: s.entity(coined), "email": lambda s: f"{s.entity(coined).lower()}@example.com", "year": lambda s: s.randint(1900, 2030),
    "tags": lambda s: s.sample(COLORS, 2), "quantity": lambda s: int(number(s)),
}
TYPES = {int: "number", str: "string", bool: "boolean", list: "array"}


def record(s, count=None):
    keys = s.sample(list(FIELDS), count or s.randint(1, 5))
    return {k: FIELDS[k](s) for k in keys}


def stated(s, value):
    """The record as prose."""
    def show(v):
        return ("yes" if v else "no") if isinstance(v, bool) else ", ".join(v) if isinstance(v, list) else str(v)
    form = s.choice(("The {k} is {v}.", "{K}: {v}.", "The {k} is {v}."))
    joined = [form.format(k=k, K=k.capitalize(), v=show(v)) for k, v in value.items()]
    s.shuffle(joined)
    return " ".join(joined)


def described(s, value):
    keys = list(value)
    listed = ", ".join(keys[:-1]) + " and " + keys[-1] if len(keys) > 1 else keys[0]
    schema = {"type": "object", "properties": {k: {"type": TYPES[type(v)]} for k, v in value.items()}, "required": keys}
    return s.choice((
        f"Answer as JSON with the {'fields' if len(keys) > 1 else 'field'} {listed}.", f"Return a JSON object with {listed}.", f"Give me JSON with the keys {listed}.",
        f"Reply in JSON with {', '.join(f'{chr(34)}{k}{chr(34)}' for k in keys)}.", f"Use this format: {dump({k: '...' for k in keys})}",
        f"Answer with JSON that matches this schema: {dump(schema)}", f"Output JSON with these fields: {', '.join(f'{k} ({TYPES[type(v)]})' for k, v in value.items())}."))


def from_text(s):
    value = record(s)
    wish, text = described(s, value), stated(s, value)
    if s.chance(0.3):
        extra = {k: v for k, v in record(s).items() if k not in value}
        text += " " + stated(s, extra) if extra else ""
    if s.chance(0.1):
        return [system(wish)] + turn(text, dump(value))
    return turn(s.choice((f"{text}\n\n{wish}", f"{wish}\n\n{text}", f"Turn this text into JSON. {wish}\nText: {text}", f"Extract the data. {wish}\n\n{text}")), dump(value))


def sentence_to_json(s):
    who, town, age, job = s.entity(person), s.entity(place), s.randint(5, 95), s.choice(JOBS)
    known = {"name": who, "age": age, "city": town, "job": job}
    text = s.choice((f"{who} is {age} years old, lives in {town} and works as a {job}.", f"{who} is a {age}-year-old {job} from {town}.",
                     f"In {town} lives {who}, a {job} who is {age} years old."))
    keys = s.sample(list(known), s.randint(1, 4))
    value = {k: known[k] for k in keys}
    wish = described(s, value)
    return turn(s.choice((f"{text}\n\n{wish}", f"{wish}\n{text}", f"{wish} Text: {text}")), dump(value))


def invented(s):
    """No text is given: any plausible values of the asked type will do."""
    value = record(s, s.randint(1, 4))
    subject = s.choice(("a person", "a user", "a product", "an example record", "a made-up item", "a customer", "a city"))
    return turn(f"{s.choice(('Invent', 'Describe', 'Make up', 'Create'))} {subject}. {described(s, value)}", dump(value))


def listing(s):
    items = s.sample(s.choice((ANIMALS, COLORS, FOODS, HOBBIES)), s.randint(2, 5))
    return s.choice((
        turn(f"Write this list as a JSON array: {', '.join(items)}", dump(items)),
        turn(f"Put these words into a JSON list: {' '.join(items)}", dump(items)),
        turn(f"Give me a JSON array with {len(items)} {'colours' if items[0] in COLORS else 'words'}.", dump(items))))
