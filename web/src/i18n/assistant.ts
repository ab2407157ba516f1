import { words } from "@/i18n/words";
export const assistant = {
  title: ["Assistant", "助手"],
  not_configured: ["The assistant is not configured.", "助手尚未配置。"],
  step: ["It reads, explains and proposes; it has no send button. Everything else works without it.", "助手只读取、解释和提出建议，不能下单。其他功能不依赖助手。"],
  approvals: ["Approvals", "审批"],
  approvals_none: ["Nothing waits for an approval.", "没有待审批的建议。"],
  approvals_step: ["Proposals come from the assistant, which is not configured. Nothing is sent without a person; what a strategy wants needs no approval, and is bound by the rules of Risk.", "建议来自助手，而助手尚未配置。没有人的批准不会下单；策略的委托无需审批，受风控规则约束。"],
  manual: ["Manual orders", "人工委托"],
  manual_none: ["No account is traded by hand in a broker's app.", "没有在券商应用中手工交易的账户。"],
  manual_step: ["This version sends its orders to the venue itself. A list to copy into a broker's app, with the fills entered here, is not part of it yet. An order by hand on an account that is traded here is placed under Orders.", "当前版本直接向交易所下单，尚不提供抄录到券商应用并回填成交的清单。在本系统交易的账户上人工下单，见委托页。"],
} as const;
export const say = words(assistant);
