"""Composed sentences of many verbs and nouns with questions about them; the answer is the sentence itself."""
from . import prompts
from .source import turn
from .words import DAYS, FOODS, JOBS, MATERIALS, MONTHS, amount, an, coined, company, date, number, person, place, thing

VERBS = """repaired=repair painted=paint bought=buy sold=sell found=find lost=lose cleaned=clean opened=open closed=close moved=move
visited=visit built=build checked=check ordered=order delivered=deliver designed=design tested=test stored=store measured=measure
replaced=replace approved=approve rejected=reject borrowed=borrow returned=return wrote=write read=read packed=pack carried=carry
installed=install removed=remove""".split()
GROUPS = "guests visitors members students employees customers drivers parents users managers new players dogs children suppliers tourists".split()
DUTIES = """wear a badge;pay in cash;leave by the back door;sign the form;call the office;use the side entrance;show a ticket;turn off the lights;
bring a passport;save their work;lock the room;wait in the hall;report any damage;take off their shoes;ask for help;book in advance;change the password""".replace("\n", "").split(";")
SUBJECTS = """refund delivery warranty holiday parking training support membership payment contract trial rental repair registration
subscription insurance meeting lunch break inspection backup upload download session""".split()
ENDS = ("within {n} days", "after {n} hours", "before {d}", "only on {d}", "in {m}", "at the office in {p}", "by email", "with a receipt", "for {n} minutes", "until {d}")
CLAIMS = ("is possible", "is free", "is required", "is not allowed", "takes place", "must be requested", "can be cancelled", "is included", "ends", "starts")


def event(s):
    who, what, where, day = s.entity(person), s.entity(thing), s.entity(place), s.choice(DAYS)
    past, base = s.choice(VERBS).split("=")
    adjunct, extra = s.choice((("", None), (f" in {where}", f"Where did {who} {base} the {what}?"), (f" on {day}", f"When did {who} {base} the {what}?"),
                               (f" for {amount(s)}", None), (f" for the {s.choice(JOBS)}", None), (f" on {date(s)}", f"When did {who} {base} the {what}?")))
    questions = [f"What did {who} {base}?", f"Who {past} the {what}?", f"What happened to the {what}?", f"What did {who} do?"] + ([extra] * 2 if extra else [])
    return f"{who} {past} the {what}{adjunct}.", questions


def rule(s):
    group, duty = s.choice(GROUPS), s.choice(DUTIES)
    when = s.choice(("", f" on {s.choice(DAYS)}", f" after {s.randint(1, 12)} o'clock", f" in {s.choice(MONTHS)}", f" at {s.entity(company)}"))
    return f"{group.capitalize()} must {duty}{when}.", [f"What must {group} do?", f"Who must {duty}?", f"What is the rule for {group}?", f"Do {group} have to {duty}?"]


def policy(s):
    subject = s.choice(SUBJECTS)
    end = s.choice(ENDS).format(n=s.randint(2, 90), d=s.choice(DAYS), m=s.choice(MONTHS), p=s.entity(place))
    firm = s.choice(("", "", f" at {s.entity(company)}", f" for {s.choice(GROUPS)}"))
    sentence = f"{s.choice(('The', 'Our', 'Every'))} {subject}{firm} {s.choice(CLAIMS)} {end}."
    return sentence, [f"What is the {subject} policy{firm}?", f"What do you know about the {subject}{firm}?", f"When is the {subject}?", f"Tell me about the {subject}.",
                      f"What are the rules for the {subject}?", f"How does the {subject} work?"]


def description(s):
    name, what, maker = s.entity(coined), s.entity(thing), s.entity(company)
    material, food = s.choice(MATERIALS), s.choice(FOODS)
    sentence, about = s.choice((
        (f"{name} is {an(s.choice(JOBS))}'s tool made of {material}.", name), (f"The {what} is used to store {food}.", f"the {what}"),
        (f"{name} is a city with {number(s)} bridges.", name), (f"{name} is a database written by {maker}.", name), (f"The {what} belongs to {maker}.", f"the {what}"),
        (f"{name} is a kind of {food} from {s.entity(place)}.", name), (f"{name} means {what} in the old language.", name),
        (f"The {what} weighs {number(s)} kilograms and is made of {material}.", f"the {what}"), (f"{name} was the first king of {s.entity(place)}.", name)))
    return sentence, [f"What is {about}?", f"Tell me about {about}.", f"What do you know about {about}?", f"What does the text say about {about}?"]


def statements(s, count):
    """Statements whose subjects differ, so that each question has one answer."""
    out, seen = [], set()
    while len(out) < count:
        made = s.choice((event, event, rule, policy, description))(s)
        key = " ".join(made[0].split()[:2])
        if key not in seen:
            seen.add(key)
            out.append(made)
    return out


def asked(s):
    made = statements(s, s.choice((1, 2, 3, 4, 6)))
    text, (sentence, questions) = " ".join(m[0] for m in made), s.choice(made)
    ask = s.choice(("{c}\n\n{q}", "Context: {c}\n\nQuestion: {q}", "Read the text and answer the question.\n\n{c}\n\n{q}", "Text: {c}\nQuestion: {q}",
                    "Use this information: {c}\n\n{q}", "Answer from the context only.\n\nContext: {c}\nQuestion: {q}"))
    return turn(ask.format(c=text, q=s.choice(questions)), sentence)


def cited(s):
    """The RAG prompt over composed prose; an absent question is about a statement that was left out."""
    made = statements(s, s.choice((2, 3, 4, 5, 6, 8)))
    groups, at = [], 0
    while at < len(made) - 1:
        size = s.choice((1, 1, 2, 3))
        groups.append(made[at:min(at + size, len(made) - 1)])
        at += size
    texts = [" ".join(m[0] for m in g) for g in groups]
    if s.chance(0.15):
        return turn(prompts.rag(texts, s.choice(made[-1][1])), prompts.RAG_UNKNOWN)
    i = s.randrange(len(groups))
    sentence, questions = s.choice(groups[i])
    return turn(prompts.rag(texts, s.choice(questions)), f"{sentence[:-1]} [{i + 1}].")
