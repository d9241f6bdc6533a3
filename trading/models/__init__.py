from trading.models.api import ApiBatch, ApiCredential, ApiRequest
from trading.models.controls import PreTradeCheck, ReconBreak, TradingHalt
from trading.models.executions import Allocation, AllocationInstruction, Block, Execution
from trading.models.inbox import InboundEvent
from trading.models.orders import BrokerConnection, Order, OrderCommand, OrderLot, OrderTransition, RebalanceRun
from trading.models.proposals import Approval, Proposal, ProposalAccount

__all__ = [
    "Allocation",
    "AllocationInstruction",
    "ApiBatch",
    "ApiCredential",
    "ApiRequest",
    "Approval",
    "Block",
    "BrokerConnection",
    "Execution",
    "InboundEvent",
    "Order",
    "OrderCommand",
    "OrderLot",
    "OrderTransition",
    "PreTradeCheck",
    "Proposal",
    "ProposalAccount",
    "RebalanceRun",
    "ReconBreak",
    "TradingHalt",
]
