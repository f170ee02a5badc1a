"""``manage.py api_budgets``: show or clear the stored budgets of API accounts."""

import json
from argparse import ArgumentParser
from typing import Any

from django.forms.models import model_to_dict

from core.collectors import ReportingCommand
from core.db.budgets import clear
from core.errors import ConfigurationError
from core.models import ApiBudget
from core.operations.output import number_of


class Command(ReportingCommand):
    """List or clear the stored budgets that match the filters."""

    help = "Show the remaining quota of each account, and how long its requests must wait. --clear removes both."
    examples = (
        "api_budgets",
        "api_budgets --clear --source github",
        "api_budgets --clear --all",
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add the filters and ``--clear``."""
        parser.add_argument("--source", help="Only this source, such as github.")
        parser.add_argument("--account", help="Only this account, written as in the output.")
        parser.add_argument("--resource", help="Only this quota, such as core or graphql.")
        parser.add_argument(
            "--clear", action="store_true", help="Clear the budgets that match. Requires a filter or --all."
        )
        parser.add_argument("--all", action="store_true", help="With --clear: clear every budget.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object on standard output.")

    def handle(self, *args: Any, **options: Any) -> None:
        """List or clear the budgets. Raises ConfigurationError for --clear without a filter or --all."""
        named = {"source_system": options["source"], "account": options["account"], "resource": options["resource"]}
        filters = {name: value for name, value in named.items() if value}
        budgets = ApiBudget.objects.filter(**filters)
        if options["clear"]:
            if not filters and not options["all"]:
                raise ConfigurationError("--clear needs --source, --account or --resource, or --all for every budget.")
            number = clear(budgets)
            self.stdout.write(
                json.dumps({"cleared": number}) if options["json"] else f"{number_of(number, 'budget')} cleared"
            )
            return
        if options["json"]:
            rows = [model_to_dict(budget, exclude=["id"]) for budget in budgets]
            self.stdout.write(json.dumps({"budgets": rows}, default=lambda moment: moment.isoformat()))
            return
        for budget in budgets:
            self.stdout.write(in_words(budget))
        if not budgets:
            self.stdout.write("No budgets are stored.")


def in_words(budget: ApiBudget) -> str:
    """Return a budget as one readable line, with times in UTC."""
    remaining = "an unknown number" if budget.remaining is None else f"{budget.remaining:,}"
    words = [f"{budget.source_system} {budget.account} {budget.resource}: {remaining} left"]
    if budget.limit is not None:
        words.append(f"of {budget.limit:,}")
    if budget.resets_at is not None:
        words.append(f"until {budget.resets_at:%Y-%m-%d %H:%M} UTC")
    if budget.not_before is not None:
        words.append(f"(no request before {budget.not_before:%Y-%m-%d %H:%M} UTC)")
    return " ".join(words)
