"""Recipes: everything that decides a training run besides the images and the starting weights."""

from samekind.training.recipe.named import NAMED_RECIPES
from samekind.training.recipe.objective import Objective
from samekind.training.recipe.reading import read_recipe
from samekind.training.recipe.schema import Recipe
from samekind.training.recipe.showing import show_recipe

__all__ = ["NAMED_RECIPES", "Objective", "Recipe", "read_recipe", "show_recipe"]
