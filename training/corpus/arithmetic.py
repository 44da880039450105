"""Sums, small products, comparisons, counting and order. One sum in ten is held out by its text."""
from .source import system, turn
from .words import ANIMALS, COLORS, DAYS, FIRST, FOODS, LETTERS, MONTHS, THINGS

WORDS = "zero one two three four five six seven eight nine ten eleven twelve".split()


def operands(s, op):
    while True:
        if op == "*":
            a, b = s.randint(0, 10), s.randint(0, 10)
        else:
            top = s.choice((10, 10, 20, 20, 50, 100))
            a, b = s.randint(0, top), s.randint(0, top)
            if op == "-" and a < b:
                a, b = b, a
        small = op != "*" and max(a, b) <= 10  # the basic facts are all trained on, none is held out
        if (small and not s.heldout) or (s.mine(f"{a}{op}{b}") and not (small and s.heldout)):
            return a, b


def calculation(s):
    """(question, short expression, result) of one calculation."""
    op = s.choice("++--*")
    a, b = operands(s, op)
    result = a + b if op == "+" else a - b if op == "-" else a * b
    word = {"+": "plus", "-": "minus", "*": "times"}[op]
    sign = s.choice(("*", "x")) if op == "*" else op
    expression = f"{a} {op} {b}"
    question = s.choice((f"What is {a} {sign} {b}?", f"What is {a} {sign} {b}?", f"{a} {sign} {b}", f"{a} {sign} {b} = ?", f"{a}{sign}{b}=", f"Calculate {a} {sign} {b}.",
                         f"What is {a} {word} {b}?", f"How much is {a} {word} {b}?", f"Compute {a} {sign} {b}.", f"What's {a} {sign} {b}?",
                         f"Please calculate {a} {sign} {b}.", f"{a} {word} {b}"))
    if op == "+" and s.chance(0.1):
        question = s.choice((f"Add {a} and {b}.", f"What is the sum of {a} and {b}?"))
    return question, expression, result


def sums(s):
    question, expression, result = calculation(s)
    if s.chance(0.06):
        return [system("Answer with a number only.")] + turn(question, str(result))
    return turn(question, f"{expression} = {result}")


def word_problem(s):
    name, item = s.choice(FIRST), s.choice(FOODS + [t + "s" for t in THINGS[:20]])
    if s.chance(0.5):
        a, b = operands(s, "+")
        return turn(f"{name} has {a} {item} and gets {b} more. How many {item} does {name} have now?", f"{a} + {b} = {a + b}, so {name} has {a + b} {item}.")
    a, b = operands(s, "-")
    return turn(f"{name} has {a} {item} and gives away {b}. How many {item} are left?", f"{a} - {b} = {a - b}, so {a - b} {item} are left.")


def comparison(s):
    top = s.choice((10, 100, 1000))
    while True:
        a, b = s.sample(range(top + 1), 2)
        if s.mine(f"{a}?{b}"):
            break
    large, small = max(a, b), min(a, b)
    return s.choice((
        turn(f"Which is larger, {a} or {b}?", f"{large} is larger than {small}."),
        turn(f"Which number is greater: {a} or {b}?", f"{large} is greater than {small}."),
        turn(f"Which is smaller, {a} or {b}?", f"{small} is smaller than {large}."),
        turn(f"Is {a} greater than {b}?", f"Yes, {a} is greater than {b}." if a > b else f"No, {a} is less than {b}."),
        turn(f"Is {a} even or odd?", f"{a} is {'odd' if a % 2 else 'even'}."),
        turn(f"What comes after {a}?", f"After {a} comes {a + 1}."),
        turn(f"What number comes before {a + 1}?", f"Before {a + 1} comes {a}.")))


def counting(s):
    n, start = s.randint(3, 9), s.randint(0, 40)
    items = s.sample(s.choice((ANIMALS, COLORS, FOODS, FIRST)), s.randint(2, 6))
    listed = ", ".join(items)
    day, month, letter = s.randrange(7), s.randrange(12), s.randrange(len(LETTERS) - 1)
    return s.choice((
        turn(f"Count from {start} to {start + n}.", ", ".join(str(i) for i in range(start, start + n + 1))),
        turn(f"How many items are in this list: {listed}?", f"There are {WORDS[len(items)]} items in the list."),
        turn(f"What is the first item in this list: {listed}?", f"The first item is {items[0]}."),
        turn(f"What is the last item in this list: {listed}?", f"The last item is {items[-1]}."),
        turn(f"Write this list in reverse order: {listed}", ", ".join(reversed(items))),
        turn(f"Which day comes after {DAYS[day]}?", f"After {DAYS[day]} comes {DAYS[(day + 1) % 7]}."),
        turn(f"Which day comes before {DAYS[day]}?", f"Before {DAYS[day]} comes {DAYS[day - 1]}."),
        turn(f"Which month comes after {MONTHS[month]}?", f"After {MONTHS[month]} comes {MONTHS[(month + 1) % 12]}."),
        turn(f"Is {items[0]} in this list: {', '.join(items[1:])}?", f"No, {items[0]} is not in the list."),
        turn(f"Is {items[-1]} in this list: {listed}?", f"Yes, {items[-1]} is in the list.")))
