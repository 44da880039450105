"""Names, things and random strings that extraction, JSON and story generators are filled with."""

FIRST = """Ada Alan Alice Amir Ana Andre Anna Anton Aria Ben Bella Boris Bruno Carla Carlos Chen Clara Dan Dana David Diego Dora
Elena Eli Ella Emil Emma Erik Eva Farah Felix Fiona Frank Gina George Grace Greta Hana Hassan Helen Henry Hugo Ida Igor Ines
Iris Ivan Ivy Jack Jan Jane Jonas Julia Kai Kara Karl Kate Kim Lara Leo Lena Liam Lily Lina Lucas Lucy Luis Maja Marco Maria
Mark Marta Max Maya Mia Milo Mina Nadia Nina Noah Nora Olga Oliver Omar Oscar Paul Pavel Petra Priya Quinn Rami Ravi Rita Robin
Rosa Ruth Sam Sara Simon Sofia Tara Theo Tim Tina Tom Uma Vera Victor Wanda Will Yara Yusuf Zara Zoe""".split()
HIS = set("""Amir Andre Anton Ben Boris Bruno Carlos Dan David Diego Eli Emil Erik Felix Frank George Hassan Henry Hugo Igor Ivan Jack Jan Jonas Kai
Karl Leo Liam Lucas Luis Marco Mark Max Milo Noah Oliver Omar Oscar Paul Pavel Ravi Sam Simon Theo Tim Tom Victor Will Yusuf""".split())
LAST = """Abbott Adler Baker Barros Bell Berg Blum Braun Brook Carter Costa Cruz Dahl Daley Diaz Ek Falk Field Fisher Fox Frost
Garcia Glass Green Haas Hale Hart Hill Holm Hunt Ito Jensen Jones Kaur Keller King Klein Kovac Lang Lee Lind Lopez Lund Marsh
Meyer Moore Mori Nash Neal Novak Okoro Olsen Park Patel Perez Petrov Quist Ray Reed Reyes Rossi Ruiz Sato Shaw Silva Singh Smith
Stone Suzuki Tanaka Torres Vance Vega Vogel Wang Ward Weber West Wolf Wood Young Zhou""".split()
SYLLABLES = """ba be bel bor bra ca cal cor da del dor dun el en fa far fen gal gar gor ha hal hol jo ka kel kor la lan lor lu ma mar
mel mor na nel nor ol or pa pel per qui ra ran rel ro sa sel sol ta tal tar tor tri ul va vel ven vor wa wil xan ya yor za zel zo""".split()
COLORS = "red blue green yellow orange purple black white grey brown pink silver golden".split()
ADJECTIVES = """old new small large round quiet bright wooden metal glass hidden main spare broken narrow heavy light cold warm first
second third upper lower north south east west left right public private""".split()
THINGS = """door box key room garden bridge tower library market station school museum boat train car bicycle engine pump valve
lamp clock radio camera phone printer server router sensor battery cable panel table chair bag coat hat book letter map report
notebook ticket package machine robot drone rocket cabin office kitchen cellar gate wall window bell drum piano statue fountain
well mill farm barn tent ship ferry harbour island valley hill river lake forest tree""".split()
ATTRIBUTES = """code password number name colour weight height length price age owner size speed temperature model label address
capacity depth width date status version serial limit""".split()
JOBS = """teacher doctor nurse baker farmer pilot driver painter writer singer cook gardener engineer carpenter lawyer judge
librarian plumber dentist tailor sailor potter weaver scientist mechanic designer""".split()
FOODS = """apples bread cheese soup rice pasta pears plums carrots beans honey tea coffee cake grapes cherries lemons nuts
salad pancakes noodles tomatoes""".split()
ANIMALS = """dog cat horse cow sheep goat fox wolf bear lion tiger rabbit mouse owl eagle duck goose frog turtle whale dolphin
penguin parrot elephant monkey hedgehog beaver otter""".split()
HOBBIES = """chess painting swimming hiking cooking reading singing dancing fishing cycling running gardening sewing drawing
photography skating sailing climbing""".split()
MONTHS = "January February March April May June July August September October November December".split()
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MATERIALS = "wood steel glass stone copper paper plastic leather wool cotton clay brass".split()
UNITS = "kilograms metres litres hours minutes days euros dollars degrees pages watts kilometres seconds grams".split()
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


def an(word):
    return f"an {word}" if word[0] in "aeiou" else f"a {word}"


def babble(s):
    """A pronounceable word of any letters, so that copying works for pieces that no list has."""
    return "".join(s.choice("b c d f g h j k l m n p qu r s t v w x z th sh ch st tr pl gr ck nd".split()) + s.choice("a e i o u y ea oo ai ou".split())
                   for _ in range(s.randint(1, 3))) + s.choice(("", "", "n", "s", "t", "m", "ng", "rd", "x", "ll"))


def coined(s):
    """A made-up proper name, so that copying can't lean on memory."""
    if s.chance(0.4):
        return babble(s).capitalize()
    return "".join(s.choice(SYLLABLES) for _ in range(s.choice((2, 2, 3)))).capitalize()


def coined_word(s):
    return "".join(s.choice(SYLLABLES) for _ in range(s.choice((2, 2, 3))))


def person(s):
    k = s.random()
    if k < 0.4:
        return s.choice(FIRST)
    if k < 0.6:
        return f"{s.choice(FIRST)} {s.choice(LAST)}"
    if k < 0.85:
        return coined(s)
    return f"{s.choice(FIRST)} {coined(s)}"


def place(s):
    return coined(s) if s.chance(0.7) else f"{s.choice(('Port', 'Lake', 'North', 'South', 'New', 'Fort', 'Mount'))} {coined(s)}"


def company(s):
    return f"{coined(s)} {s.choice(('Labs', 'Systems', 'Foods', 'Motors', 'Books', 'Energy', 'Airlines', 'Bank', 'Works', 'Software'))}"


def number(s):
    return str(s.choice((s.randint(2, 99), s.randint(100, 999), s.randint(1000, 9999), s.randint(2, 20))))


def letters(s, n):
    return "".join(s.choice(LETTERS) for _ in range(n))


def digits(s, n):
    return str(s.randint(1, 9)) + "".join(str(s.randint(0, 9)) for _ in range(n - 1))


def code(s):
    return s.choice((
        lambda: digits(s, s.randint(3, 6)),
        lambda: f"{letters(s, s.randint(1, 3))}-{digits(s, s.randint(2, 4))}",
        lambda: f"{letters(s, s.randint(2, 3))}{digits(s, s.randint(1, 3))}",
        lambda: f"{coined_word(s)}-{digits(s, 2)}",
        lambda: f"{s.choice(COLORS)}-{s.choice(THINGS)}-{digits(s, 2)}",
        lambda: letters(s, s.randint(3, 5)),
        lambda: f"{s.randint(0, 9)}.{s.randint(0, 20)}.{s.randint(0, 30)}",
        lambda: f"{s.randint(1990, 2035)}-{s.randint(1, 12):02d}-{s.randint(1, 28):02d}",
        lambda: f"{babble(s)}{s.choice('._-/')}{babble(s)}",
        lambda: f"${s.randint(1, 999)}.{s.randint(0, 99):02d}",
    ))()


def date(s):
    day = f"{s.randint(1, 28)} {s.choice(MONTHS)}"
    return day if s.chance(0.5) else f"{day} {s.randint(1900, 2030)}"


def amount(s):
    return f"{number(s)} {s.choice(UNITS)}"


def thing(s):
    k = s.random()
    if k < 0.35:
        return f"{s.choice(COLORS)} {s.choice(THINGS)}"
    if k < 0.7:
        return f"{s.choice(ADJECTIVES)} {s.choice(THINGS)}"
    if k < 0.85:
        return f"{s.choice(ADJECTIVES)} {s.choice(COLORS)} {s.choice(THINGS)}"
    return f"{coined_word(s)} {s.choice(THINGS)}"


def value_for(s, attribute):
    """A value that suits the attribute, so that contexts read as sense."""
    if attribute in ("code", "password", "serial", "label", "model", "version"):
        return code(s)
    if attribute in ("name", "owner"):
        return person(s)
    if attribute == "colour":
        return s.choice(COLORS)
    if attribute == "date":
        return date(s)
    if attribute == "address":
        return f"{number(s)} {coined(s)} {s.choice(('Street', 'Road', 'Lane', 'Square'))}"
    if attribute == "status":
        return s.choice("open closed ready busy empty full broken active paused".split())
    return amount(s) if attribute not in ("number", "limit") else number(s)
