"""Menus: what residents can choose from, what is chosen for the money, and what it does.

No price is built in: the national lists name items without one, and an item without a price is
left out and said so. Effects on streets and services are measures of `communityplan.scenario`.
"""

from communityplan.menu.choosing import choose_menu
from communityplan.menu.effects import EFFECTS, menu_scenario
from communityplan.menu.gains import menu_gains
from communityplan.menu.items import CLASSES, MENU, NATURES, check_menu, read_menu
from communityplan.menu.lists import MENUS, menu_groups, menu_items
from communityplan.menu.money import menu_sources, menu_summary, menu_uses
from communityplan.menu.preferences import preference_weights, read_preferences

__all__ = [
    "CLASSES",
    "EFFECTS",
    "MENU",
    "MENUS",
    "NATURES",
    "check_menu",
    "choose_menu",
    "menu_gains",
    "menu_groups",
    "menu_items",
    "menu_scenario",
    "menu_sources",
    "menu_summary",
    "menu_uses",
    "preference_weights",
    "read_menu",
    "read_preferences",
]
