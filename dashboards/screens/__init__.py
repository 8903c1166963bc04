"""The dashboards' table of contents."""

from dashboards.build.objects import SavedObject
from dashboards.build.patterns import patterns
from dashboards.build.words import Language, Say
from dashboards.screens import costs, fleet, live, missed, overview, peaks, searches, store

SCREENS = (overview, costs, peaks, missed, live, store, fleet)


def saved_objects(language: Language) -> list[SavedObject]:
    """Give everything that is shipped in one language, each object once, what it refers to before it."""
    say = Say(language)
    found = [*patterns(say), *searches.objects(say)]
    for module in SCREENS:
        found += module.screen(say).objects()
    return list({(one.type, one.id): one for one in found}.values())
