from core.kernel_commands import KernelCommand
from hla.cli import EXPLAIN


class Command(KernelCommand):
    name = "hla_explain"
    help = EXPLAIN.help
