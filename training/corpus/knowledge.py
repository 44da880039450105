"""Small tables of general knowledge."""

CAPITALS = dict(pair.split("=") for pair in """France=Paris;Germany=Berlin;Italy=Rome;Spain=Madrid;Portugal=Lisbon;Poland=Warsaw
Austria=Vienna;Hungary=Budapest;Greece=Athens;Norway=Oslo;Sweden=Stockholm;Finland=Helsinki;Denmark=Copenhagen;Ireland=Dublin
Belgium=Brussels;Romania=Bucharest;Bulgaria=Sofia;Croatia=Zagreb;Serbia=Belgrade;Ukraine=Kyiv;Russia=Moscow;Turkey=Ankara
Egypt=Cairo;Kenya=Nairobi;Nigeria=Abuja;Ghana=Accra;Morocco=Rabat;Ethiopia=Addis Ababa;Japan=Tokyo;China=Beijing;India=New Delhi
South Korea=Seoul;Thailand=Bangkok;Vietnam=Hanoi;Indonesia=Jakarta;Nepal=Kathmandu;Iran=Tehran;Iraq=Baghdad;Canada=Ottawa
Mexico=Mexico City;Cuba=Havana;Brazil=Brasilia;Argentina=Buenos Aires;Chile=Santiago;Peru=Lima;Colombia=Bogota;Australia=Canberra
New Zealand=Wellington;the United Kingdom=London;the United States=Washington, D.C.;the Netherlands=Amsterdam;Switzerland=Bern
Iceland=Reykjavik;Estonia=Tallinn;Latvia=Riga;Lithuania=Vilnius;Slovakia=Bratislava;Slovenia=Ljubljana;the Czech Republic=Prague
the Philippines=Manila;Saudi Arabia=Riyadh;Jamaica=Kingston""".replace("\n", ";").split(";"))
CONTINENTS = {"Europe": "France Germany Italy Spain Portugal Poland Austria Greece Norway Sweden Finland Ireland Hungary".split(),
              "Asia": "Japan China India Thailand Vietnam Nepal Indonesia Iran Iraq".split(),
              "Africa": "Egypt Kenya Nigeria Ghana Morocco Ethiopia".split(),
              "South America": "Brazil Argentina Chile Peru Colombia".split(),
              "North America": "Canada Mexico Cuba Jamaica".split()}
OPPOSITES = [p.split("=") for p in """hot=cold big=small fast=slow high=low light=dark happy=sad old=young open=closed full=empty
wet=dry hard=soft long=short loud=quiet rich=poor strong=weak early=late near=far up=down left=right good=bad day=night black=white
clean=dirty heavy=light thick=thin deep=shallow wide=narrow begin=end win=lose love=hate buy=sell push=pull true=false in=out
above=below first=last easy=difficult safe=dangerous""".split()]
PLURALS = [p.split("=") for p in """cat=cats dog=dogs box=boxes child=children mouse=mice foot=feet tooth=teeth man=men woman=women
leaf=leaves knife=knives city=cities baby=babies goose=geese sheep=sheep fish=fish person=people bus=buses house=houses berry=berries
wolf=wolves glass=glasses tomato=tomatoes key=keys story=stories""".split()]
PASTS = [p.split("=") for p in """go=went see=saw eat=ate run=ran write=wrote take=took give=gave come=came find=found know=knew
make=made think=thought buy=bought walk=walked play=played sing=sang swim=swam fly=flew sleep=slept begin=began""".split()]
SYNONYMS = [p.split("=") for p in """happy=glad big=large small=little fast=quick smart=clever begin=start end=finish sad=unhappy
quiet=silent rich=wealthy hard=difficult correct=right gift=present strange=odd angry=cross beautiful=lovely""".split()]
SOUNDS = dict(p.split("=") for p in "dog=barks;cat=meows;cow=moos;sheep=bleats;duck=quacks;lion=roars;horse=neighs;wolf=howls;frog=croaks;owl=hoots;bee=buzzes;pig=oinks;mouse=squeaks".split(";"))
LEGS = {"dog": 4, "cat": 4, "horse": 4, "spider": 8, "bird": 2, "ant": 6, "bee": 6, "duck": 2, "cow": 4, "snake": 0, "beetle": 6, "elephant": 4, "fish": 0}
KINDS = dict(p.split("=") for p in """dog=mammal;cat=mammal;whale=mammal;dolphin=mammal;bat=mammal;eagle=bird;penguin=bird;owl=bird;duck=bird
frog=amphibian;snake=reptile;turtle=reptile;lizard=reptile;crocodile=reptile;shark=fish;salmon=fish;ant=insect;bee=insect;butterfly=insect
rose=flower;tulip=flower;oak=tree;pine=tree;apple=fruit;banana=fruit;carrot=vegetable;potato=vegetable;piano=instrument;violin=instrument""".replace("\n", ";").split(";"))
THING_COLORS = dict(p.split("=") for p in """the sky=blue;grass=green;snow=white;blood=red;a banana=yellow;a lemon=yellow;coal=black;milk=white;an orange=orange
chocolate=brown;a ripe tomato=red;the sun=yellow;a carrot=orange;a strawberry=red;an elephant=grey;a plum=purple""".replace("\n", ";").split(";"))
FACTS = [q.split("|") for q in """What is the largest ocean?|The largest ocean is the Pacific Ocean.
What is the largest planet?|The largest planet in our solar system is Jupiter.
What is the smallest planet?|The smallest planet in our solar system is Mercury.
Which planet is closest to the Sun?|Mercury is the planet closest to the Sun.
Which planet is known as the red planet?|Mars is known as the red planet.
How many planets are there in the solar system?|There are eight planets in the solar system.
How many days are there in a week?|There are seven days in a week.
How many months are there in a year?|There are twelve months in a year.
How many days are there in a year?|A year has 365 days, and a leap year has 366.
How many hours are there in a day?|There are 24 hours in a day.
How many minutes are there in an hour?|There are 60 minutes in an hour.
How many seconds are there in a minute?|There are 60 seconds in a minute.
What is the highest mountain in the world?|The highest mountain in the world is Mount Everest.
What is the longest river in Africa?|The longest river in Africa is the Nile.
What is the largest animal?|The largest animal is the blue whale.
What is the fastest land animal?|The fastest land animal is the cheetah.
What is the tallest animal?|The tallest animal is the giraffe.
What is water made of?|Water is made of hydrogen and oxygen.
What is the chemical formula of water?|The chemical formula of water is H2O.
What is the chemical symbol of gold?|The chemical symbol of gold is Au.
What is the chemical symbol of iron?|The chemical symbol of iron is Fe.
At what temperature does water boil?|Water boils at 100 degrees Celsius at sea level.
At what temperature does water freeze?|Water freezes at 0 degrees Celsius.
What gas do plants take in?|Plants take in carbon dioxide.
What gas do we need to breathe?|We need to breathe oxygen.
Why is the sky blue?|The sky is blue because air scatters blue light more than red light.
Why do leaves fall in autumn?|Trees drop their leaves in autumn to save water and energy in winter.
Why does ice float?|Ice floats because it is less dense than water.
Who wrote Romeo and Juliet?|William Shakespeare wrote Romeo and Juliet.
Who painted the Mona Lisa?|Leonardo da Vinci painted the Mona Lisa.
Who was Albert Einstein?|Albert Einstein was a physicist who developed the theory of relativity.
Who was Ada Lovelace?|Ada Lovelace was a mathematician who wrote one of the first computer programs.
Who was Alan Turing?|Alan Turing was a mathematician and one of the founders of computer science.
Who was Isaac Newton?|Isaac Newton was a scientist who described the laws of motion and gravity.
Who was Marie Curie?|Marie Curie was a scientist who studied radioactivity and won two Nobel Prizes.
When did people first land on the Moon?|People first landed on the Moon in 1969.
How fast is light?|Light travels about 300,000 kilometres in one second.
How many continents are there?|There are seven continents.
How many legs does a spider have?|A spider has eight legs.
How many sides does a triangle have?|A triangle has three sides.
How many sides does a square have?|A square has four sides.
How many sides does a hexagon have?|A hexagon has six sides.
What language is spoken in Brazil?|Portuguese is spoken in Brazil.
What language is spoken in Mexico?|Spanish is spoken in Mexico.
What language is spoken in Austria?|German is spoken in Austria.
What is the currency of Japan?|The currency of Japan is the yen.
What is the currency of the United States?|The currency of the United States is the US dollar.
What do pandas eat?|Pandas eat mostly bamboo.
What do bees make?|Bees make honey.
Where do penguins live?|Most penguins live in the southern half of the world.
How many bits are in a byte?|There are eight bits in a byte.
What does CPU stand for?|CPU stands for central processing unit.
What does GPU stand for?|GPU stands for graphics processing unit.
What does API stand for?|API stands for application programming interface.
What does HTTP stand for?|HTTP stands for Hypertext Transfer Protocol.
What does HTML stand for?|HTML stands for Hypertext Markup Language.
What does JSON stand for?|JSON stands for JavaScript Object Notation.
What does SQL stand for?|SQL stands for Structured Query Language.
What does RAM stand for?|RAM stands for random access memory.
What does URL stand for?|URL stands for uniform resource locator.
What does LLM stand for?|LLM stands for large language model.
What does KV stand for in KV cache?|KV stands for key and value.
What does BPE stand for?|BPE stands for byte pair encoding.
What is the HTTP status code for not found?|The HTTP status code for not found is 404.
What is the HTTP status code for success?|The HTTP status code for success is 200.
What is the HTTP status code for too many requests?|The HTTP status code for too many requests is 429.
What is the freezing point of water?|The freezing point of water is 0 degrees Celsius.
What is the boiling point of water?|The boiling point of water is 100 degrees Celsius.""".split("\n")]
