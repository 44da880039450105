"""Answers that must be copied from a given text, filled with random strings so that memory can't help."""
from .concepts_ml import CONCEPTS as ML
from .concepts_world import CONCEPTS as WORLD
from .source import system, turn
from .words import (an, ANIMALS, ATTRIBUTES, babble, COLORS, DAYS, FIRST, FOODS, HOBBIES, JOBS, MATERIALS, code, coined, coined_word, company,
                    date, number, person, place, thing, value_for)

FILLER = [sentence for topic in (ML, WORLD) for sentences in topic.values() for sentence in sentences]
NOT_THERE = ("The text does not say.", "The context does not say.")


def attribute_fact(s):
    """(sentence, [(question, short answer, full answer)]) about a thing and one of its properties."""
    what, attribute = s.entity(thing), s.choice(ATTRIBUTES)
    value = s.entity(lambda r: value_for(r, attribute)) if attribute not in ("colour", "status") else value_for(s, attribute)
    sentence = s.choice((f"The {attribute} of the {what} is {value}.", f"The {what} has the {attribute} {value}.", f"For the {what}, the {attribute} is {value}."))
    full = f"The {attribute} of the {what} is {value}."
    question = s.choice((f"What is the {attribute} of the {what}?", f"What {attribute} does the {what} have?", f"Tell me the {attribute} of the {what}.",
                         f"Which {attribute} belongs to the {what}?"))
    return sentence, [(question, value, full)]


def person_fact(s):
    who, town, job, firm = s.entity(person), s.entity(place), s.choice(JOBS), s.entity(company)
    age, hobby, food = s.randint(5, 95), s.choice(HOBBIES), s.choice(FOODS)
    when, pet, animal = date(s), s.entity(coined), s.choice(ANIMALS)
    return s.choice((
        (f"{who} lives in {town}.", [(f"Where does {who} live?", town, f"{who} lives in {town}."), (f"Who lives in {town}?", who, f"{who} lives in {town}.")]),
        (f"{who} works as {an(job)} in {town}.", [(f"Where does {who} work?", town, f"{who} works in {town}."), (f"What is the job of {who}?", job, f"{who} works as {an(job)}."),
                                              (f"Who works in {town}?", who, f"{who} works in {town}.")]),
        (f"{who} is {age} years old.", [(f"How old is {who}?", str(age), f"{who} is {age} years old.")]),
        (f"{who} likes {hobby} and {food}.", [(f"What does {who} like?", f"{hobby} and {food}", f"{who} likes {hobby} and {food}.")]),
        (f"{who} was born in {town} on {when}.", [(f"Where was {who} born?", town, f"{who} was born in {town}."), (f"When was {who} born?", when, f"{who} was born on {when}.")]),
        (f"{who} has {an(animal)} called {pet}.", [(f"What is the {animal} of {who} called?", pet, f"The {animal} of {who} is called {pet}."),
                                                 (f"Who has {an(animal)}?", who, f"{who} has {an(animal)}.")]),
        (f"{who} founded {firm} in {s.randint(1900, 2025)}.", [(f"Who founded {firm}?", who, f"{who} founded {firm}."), (f"What did {who} found?", firm, f"{who} founded {firm}.")]),
        (f"{who} bought {age} {food} in {town}.", [(f"How many {food} did {who} buy?", str(age), f"{who} bought {age} {food}."), (f"Where did {who} buy {food}?", town, f"{who} bought {food} in {town}.")])))


def place_fact(s):
    town, other, who, firm = s.entity(place), s.entity(place), s.entity(person), s.entity(company)
    count, day, what = number(s), s.choice(DAYS), s.entity(thing)
    hour = f"{s.randint(1, 12)}:{s.choice(('00', '15', '30', '45'))}"
    material = s.choice(MATERIALS)
    return s.choice((
        (f"{other} is the capital of {town}.", [(f"What is the capital of {town}?", other, f"The capital of {town} is {other}.")]),
        (f"The capital of {town} is {other}.", [(f"What is the capital of {town}?", other, f"The capital of {town} is {other}.")]),
        (f"{town} has {count} inhabitants.", [(f"How many inhabitants does {town} have?", count, f"{town} has {count} inhabitants.")]),
        (f"The mayor of {town} is {who}.", [(f"Who is the mayor of {town}?", who, f"The mayor of {town} is {who}.")]),
        (f"The {what} in {town} opens at {hour} on {day}.", [(f"When does the {what} in {town} open?", f"at {hour} on {day}", f"The {what} in {town} opens at {hour} on {day}.")]),
        (f"{firm} is based in {town}.", [(f"Where is {firm} based?", town, f"{firm} is based in {town}."), (f"Which company is based in {town}?", firm, f"{firm} is based in {town}.")]),
        (f"The {what} of {town} is made of {material}.", [(f"What is the {what} of {town} made of?", material, f"The {what} of {town} is made of {material}.")]),
        (f"The train to {town} leaves at {hour} from platform {s.randint(1, 20)}.", [(f"When does the train to {town} leave?", f"at {hour}", f"The train to {town} leaves at {hour}.")]),
        (f"The meeting with {who} is on {day} at {hour}.", [(f"When is the meeting with {who}?", f"on {day} at {hour}", f"The meeting with {who} is on {day} at {hour}.")])))


def product_fact(s):
    firm, item, what = s.entity(company), s.entity(coined), s.entity(thing)
    price, days, percent = number(s), s.randint(2, 90), s.randint(2, 95)
    return s.choice((
        (f"The {item} costs {price} euros.", [(f"How much does the {item} cost?", f"{price} euros", f"The {item} costs {price} euros.")]),
        (f"{firm} makes the {item}.", [(f"Who makes the {item}?", firm, f"{firm} makes the {item}."), (f"What does {firm} make?", f"the {item}", f"{firm} makes the {item}.")]),
        (f"{firm} takes back its products within {days} days.", [(f"Within how many days does {firm} take back its products?", f"{days} days", f"{firm} takes back its products within {days} days.")]),
        (f"The {item} has a warranty of {days} months.", [(f"How long is the warranty of the {item}?", f"{days} months", f"The {item} has a warranty of {days} months.")]),
        (f"{item} was invented in {1800 + percent * 2}.", [(f"When was {item} invented?", f"in {1800 + percent * 2}", f"{item} was invented in {1800 + percent * 2}.")]),
        (f"The {what} is stored in room {code(s)}.".replace("  ", " "), []),
        (f"The default {s.choice(('port', 'timeout', 'limit'))} of {item} is {price}.", [(f"What is the default of {item}?", price, f"The default of {item} is {price}.")]),
        (f"{item} uses {percent} percent of the memory.", [(f"How much memory does {item} use?", f"{percent} percent", f"{item} uses {percent} percent of the memory.")])))


def fact(s):
    """One fact that has at least one question."""
    while True:
        made = s.choice((attribute_fact, attribute_fact, person_fact, place_fact, product_fact))(s)
        if made[1]:
            return made


def facts(s, count):
    """`count` facts; sometimes several share a form, so that only the entity tells them apart."""
    if s.chance(0.4):
        out, first = [], s.getrandbits(30)
        twin = type(s)(0, s.heldout)
        for _ in range(count):
            twin.seed(s.getrandbits(40))
            attribute, what = s.choice(ATTRIBUTES[:4]) if first % 2 else ATTRIBUTES[first % len(ATTRIBUTES)], twin.entity(thing)
            value = value_for(twin, attribute)
            out.append((f"The {attribute} of the {what} is {value}.",
                        [(f"What is the {attribute} of the {what}?", value, f"The {attribute} of the {what} is {value}.")]))
        return out
    return [fact(s) for _ in range(count)]


def passage(s, count, filler=0.2):
    """(text, question, short, full): `count` facts with other sentences among them."""
    made = facts(s, count)
    sentences = []
    for sentence, _ in made:
        sentences.append(sentence)
        if s.chance(filler):
            sentences.append(s.choice(FILLER))
    question, short, full = s.choice(s.choice(made)[1])
    return " ".join(sentences), question, short, full


ASK = ("{c}\n\n{q}", "{c} {q}", "Context: {c}\n\nQuestion: {q}", "Context:\n{c}\n\nQuestion: {q}", "{q}\n\n{c}", "Read the text and answer the question.\n\n{c}\n\n{q}",
       "Text: {c}\nQuestion: {q}\nAnswer:", "Use this information: {c}\n\n{q}", "Answer from the text only.\nText: {c}\nQuestion: {q}",
       "Here is some text: {c}\nNow answer: {q}", "Given the following context, answer the question.\n\n{c}\n\nQuestion: {q}")


def single(s):
    """Context and question; a full sentence, or the bare value where that is asked for."""
    count = s.choice((1, 1, 2, 2, 3, 3, 4, 5, 6, 8))
    text, question, short, full = passage(s, count)
    style = s.random()
    if style < 0.25:
        wish = s.choice(("Answer with the value only.", "Give only the answer.", "Reply with the answer only.", "Answer briefly."))
        return turn(s.choice(ASK).format(c=text, q=question) + " " + wish, short)
    if style < 0.35:
        return [system("Answer from the given text." if s.chance(0.5) else f"Use this context: {text}")] + turn(
            s.choice(ASK).format(c=text, q=question), full)
    return turn(s.choice(ASK).format(c=text, q=question), full)


def in_system(s):
    """The context is in the system message, several questions follow."""
    made = facts(s, s.randint(2, 6))
    messages = [system(s.choice(("Use this context: ", "Context: ", "You know the following: ", "")) + " ".join(m[0] for m in made))]
    for m in s.sample(made, s.randint(1, min(3, len(made)))):
        question, _, full = s.choice(m[1])
        messages += turn(question, full)
    return messages


def absent(s):
    """The question asks about something the text lacks."""
    made = facts(s, s.choice((1, 2, 3, 4)))
    text, question = " ".join(m[0] for m in made), missing(s, made)
    return turn(s.choice(ASK).format(c=text, q=question), "The text does not say.")


def missing(s, made):
    """A question that `made` doesn't answer; half of them ask for another property of a known thing."""
    question = s.choice(s.choice(made)[1])[0] if s.chance(0.6) else ""
    known = [a for a in ATTRIBUTES if f" {a} " in question]
    if known and "of the" in question:
        other = s.choice([a for a in ATTRIBUTES if not any(a in m[0] for m in made)])
        return question.replace(f" {known[0]} ", f" {other} ", 1)
    return s.choice(fact(s)[1])[0]


def follow_up(s):
    """A text, then several questions about it in one conversation."""
    made = facts(s, s.randint(2, 5))
    text = " ".join(m[0] for m in made)
    picked = s.sample(made, s.randint(1, len(made)))
    messages = []
    for i, m in enumerate(picked):
        question, _, full = s.choice(m[1])
        messages += turn(f"{text}\n\n{question}" if i == 0 else question, full)
    return messages


def echo(s):
    """Random words to be said again, a few turns of it: the densest lesson in copying there is."""
    messages = []
    for _ in range(s.randint(1, 3)):
        text = " ".join(s.choice((coined_word, babble, code, number, coined, filler_word, filler_word))(s) for _ in range(s.randint(1, 10)))
        messages += turn(s.choice(("Repeat: ", "Repeat after me: ", "Say exactly: ", "Copy this: ", "Repeat this text: ", "Say ", "")) + text, text)
    return messages


def filler_word(s):
    return s.choice(s.choice(FILLER).split())


def short(s):
    """One or two facts and a question about one of them."""
    text, question, _, full = passage(s, s.choice((1, 1, 2)), filler=0)
    return turn(s.choice(ASK).format(c=text, q=question), full)


def repeat(s):
    """Pure copying, which teaches the heads that all the rest builds on."""
    kind = s.randrange(6)
    if kind == 0:
        text = " ".join(s.choice((coined_word, code, number, coined))(s) for _ in range(s.randint(2, 14)))
        return turn(s.choice(("Repeat: ", "Repeat after me: ", "Say exactly: ", "Copy this: ", "Repeat this text: ")) + text, text)
    if kind == 1:
        sentence = fact(s)[0]
        return turn(s.choice(("Repeat this sentence: ", "Say: ", "Repeat exactly: ", "Echo: ")) + sentence, sentence)
    if kind == 2:
        keys = s.entities(lambda r: s.choice((coined, thing, person))(r), s.randint(2, 8))
        values = [s.choice((code, number, coined))(s) for _ in keys]
        pick = s.randrange(len(keys))
        table = s.choice((", ", "\n", "; ")).join(f"{k}{s.choice((':', ' ='))} {v}" for k, v in zip(keys, values))
        return turn(f"{table}\n\nWhat is the value of {keys[pick]}?", f"The value of {keys[pick]} is {values[pick]}.")
    if kind == 3:
        items = s.entities(lambda r: s.choice((coined_word, code, number))(r), s.randint(3, 9))
        i = s.randrange(len(items) - 1)
        return turn(f"List: {', '.join(items)}\nWhich item comes after {items[i]}?", items[i + 1])
    if kind == 4:
        made = facts(s, s.randint(3, 7))
        sentence = s.choice(made)[0]
        about = " ".join(sentence.split()[:s.randint(5, 6)])
        return turn(f"{' '.join(m[0] for m in made)}\n\nWhich sentence begins with \"{about}\"?", sentence)
    text = " ".join(coined_word(s) for _ in range(s.randint(2, 6)))
    return turn(f"Write {text} in quotes.", f'"{text}"')

