"""The menu, the utterances people order with, and two parsers of them: `rules` and `parse`."""

from teashop.catalog.menu import MENU, Language, Menu
from teashop.catalog.order import DrinkOrder
from teashop.catalog.utterances import Utterance

__all__ = ["MENU", "DrinkOrder", "Language", "Menu", "Utterance"]
