from portfolios.models.feeds import DataProblem, FeedFile, FeedRow
from portfolios.models.holdings import CashBalance, Disposal, Lot, Position, ReportedDay, Transaction
from portfolios.models.market_rules import FundTerms, TickSize
from portfolios.models.options import HoldRange, ModelAlternate
from portfolios.models.policies import Policy
from portfolios.models.prices import FirmPrice, Price
from portfolios.models.restrictions import Restriction
from portfolios.models.scans import AccountSignal, Scan, ScanShard
from portfolios.models.securities import AssetClass, Security, SecurityKind, WashGroup
from portfolios.models.targets import ModelAssignment, ModelNode, ModelVersion, TargetModel

__all__ = [
    "AccountSignal",
    "AssetClass",
    "CashBalance",
    "DataProblem",
    "Disposal",
    "FeedFile",
    "FeedRow",
    "FirmPrice",
    "FundTerms",
    "HoldRange",
    "Lot",
    "ModelAlternate",
    "ModelAssignment",
    "ModelNode",
    "ModelVersion",
    "Policy",
    "Position",
    "Price",
    "ReportedDay",
    "Restriction",
    "Scan",
    "ScanShard",
    "Security",
    "SecurityKind",
    "TargetModel",
    "TickSize",
    "Transaction",
    "WashGroup",
]
