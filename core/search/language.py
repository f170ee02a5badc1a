"""Guess the language of a text from its alphabet and its most frequent words.

docs/decisions/0017-libraries.md compares libraries. These languages are the ones for which PostgreSQL has stemmers and
whose frequent words differ enough, and languages with an alphabet of their own.
"""

import re
from collections import Counter
from collections.abc import Iterable
from itertools import chain

EXAMINED = 400
"""Number of characters that are examined, about 70 words. More characters take longer and rarely change the result."""
FENCED = re.compile(r"```.*?(```|\Z)|`[^`\n]*`|https?://\S+", re.DOTALL)
WORD = re.compile(r"[^\W\d_]+")
LEAST_WORDS = 4
"""Minimum number of frequent words. Fewer words can be names, or parts of commands."""
LEAST_SHARE = 0.15
"""Minimum share of frequent words among all words. Sentences have about twice this share, and code has less."""
AHEAD = 1.5
"""Factor by which the best language must exceed the second best. Related languages share some frequent words."""
FREQUENT = {
    "da": "af at blev det den der de du en er et for fra han har her hun hvad hvis ikke ja jeg kan kun man med men"
    " mig nej nu når og også om op på skal som så til ud var ved vi vil",
    "de": "aber als am an auch auf aus bei bin bis da das dass dem den der des die dir doch durch ein eine einen einer"
    " er es für habe haben hat hier ich ihr im in ist ja kann kein man mehr mich mir mit nach nicht noch nur oder"
    " schon sein sich sie sind so um und uns von vor war was wenn werden wie wir wird zu zum zur über",
    "en": "a about all also an and any are as at be because been but by can could did do does for from had has have"
    " he her his how i if in into is it its just like more my no not of on one only or our out she should so some than"
    " that the their them then there these they this to up us was we were what when which who will with would you your",
    "es": "al algo como con cuando de del desde donde el ella en entre era es esta este está esto ha hace hay la las le"
    " lo los más me mi muy no nos o para pero por porque que qué se si sin sobre su sus también te tiene todo un una"
    " uno y ya yo",
    "fi": "ei en että hän hänen ja jo joka jos kanssa kuin kun me mikä minä mitä mukaan mutta myös ne niin nyt oli olen"
    " olla on ovat se sekä sen siitä sitä tai te tämä tässä vain voi",
    "fr": "à au aux avec ce ces cette comme c d dans de des donc du elle en est et être fait il ils j je l la le les"
    " leur lui mais me même n ne nous on ont ou où par pas plus pour qu que qui s sa se si son sont sur tout un une"
    " vous y",
    "hu": "a az be csak de egy el és ez ezt fel ha hogy is kell ki lehet már meg még mert mi mint most nem nincs olyan"
    " pedig sem szerint túl vagy van volt",
    "it": "a ad al alla anche che chi ci come con cosa da dal dei del della delle di dove e è gli ha hanno ho i il in"
    " io la le lo ma mi nel nella non o per perché più quando questa questo se sei si sono su un una uno",
    "nl": "aan al als bij dan dat de deze die dit door een en er geen haar heb hebben heeft het hij hoe ik in is je kan"
    " maar me meer met mijn naar niet nog nu of om ook op over te tot uit van voor waar wat we wel worden wordt ze zijn"
    " zo zou",
    "no": "at av bare blir ble da de den denne der det du eller en er et etter for fra få har hun hva hvis ikke ja jeg"
    " kan kunne man med meg men mer nei noe når og også om opp på seg skal som så til ut var ved vi vil være",
    "pt": "a ao as até com como da das de do dos e ela ele em entre era essa esse está eu foi há isso já mais mas me"
    " mesmo meu muito na nas não no nos o os ou para pela pelo por que quando se sem ser seu sua são só também tem um"
    " uma você",
    "ro": "a acest această ai am ar are asta au ca care că ce cu cum de din după este eu fi fost în la mai nu o pe"
    " pentru poate prin să sau se și sunt te un una unei unui",
    "ru": "а бы был была было быть в вы где да для до его ее если есть еще же за и из или им их как когда который кто"
    " ли мне мы на не нет но о об он она они от по при с со так там то только ты у уже что чтобы это этого этот я",
    "sr": "а ако али би био да до га за и из или има је јер као када кад како ми на не него није но о од ово по са се"
    " сам смо су то у што ће",
    "sv": "att av bara de den det detta du där efter eller en ett för från ha han har hon hur här i inte ja jag kan kom"
    " man med men mig mot nu när någon och om på sig ska som så till under upp ut vad var vi vid vill är",
    "tr": "ama ancak bana bazı ben bir biz bu bunu çok da daha de değil diye en gibi hem her için ile ise kadar ki mi"
    " mı ne neden o olan olarak sonra şey ve veya var ya yok",
}  # fmt: skip
"""The most frequent short words of each language: articles, pronouns, prepositions and forms of "to be"."""
LANGUAGES: dict[str, tuple[str, ...]] = {}
"""The languages in which a word is frequent."""
for _language, _words in FREQUENT.items():
    for _word in _words.split():
        if _word.isascii() and len(_word) == 1:
            continue  # also a variable in code
        LANGUAGES[_word] = (*LANGUAGES.get(_word, ()), _language)
ALPHABETS = (
    ("ja", re.compile(r"[\u3040-\u30ff]"), 0.2),
    ("ko", re.compile(r"[\uac00-\ud7af]"), 0.3),
    ("zh", re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]"), 0.3),
    ("el", re.compile(r"[\u0370-\u03ff]"), 0.5),
    ("he", re.compile(r"[\u0590-\u05ff]"), 0.5),
    ("hy", re.compile(r"[\u0530-\u058f]"), 0.5),
    ("ta", re.compile(r"[\u0b80-\u0bff]"), 0.5),
    ("th", re.compile(r"[\u0e00-\u0e7f]"), 0.5),
)
"""Languages with an alphabet of their own, the characters, and the minimum share of these characters among all letters.
Japanese precedes Chinese, because it also contains Chinese characters."""


def language_of(texts: Iterable[str]) -> str:
    """Return the ISO 639-1 code of the language of a document, or an empty string if the language is not clear.

    ``texts`` are the passages in order. Code blocks and addresses are ignored.
    """
    sample = _sample(texts)
    if not sample.isascii():
        letters = sum(map(len, WORD.findall(sample))) or 1
        for language, characters, share in ALPHABETS:
            if len(characters.findall(sample)) >= max(LEAST_WORDS, share * letters):
                return language
    # Splitting at spaces is several times faster than a pattern. It misses words next to a bracket or a comma.
    words = sample.lower().replace("'", " ").split()
    counts = Counter(chain.from_iterable(LANGUAGES[word] for word in words if word in LANGUAGES))
    (best, count), (_, second) = [*counts.most_common(2), ("", 0), ("", 0)][:2]
    is_clear = count >= max(LEAST_WORDS, LEAST_SHARE * len(words)) and count >= AHEAD * second
    return best if is_clear else ""


def _sample(texts: Iterable[str]) -> str:
    """Return the first ``EXAMINED`` characters of the texts without code and addresses."""
    sample = ""
    for text in texts:
        part = text[: 2 * EXAMINED]
        sample += f" {FENCED.sub(' ', part) if '`' in part or '://' in part else part}"
        if len(sample) >= EXAMINED:
            break
    return sample[:EXAMINED]
