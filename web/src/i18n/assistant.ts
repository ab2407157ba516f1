import { words } from "@/i18n/words";
export const assistant = {
  title: ["Assistant", "助手"],
  not_configured: ["The assistant is not configured.", "助手尚未配置。"],
  step: ["It reads, explains and proposes; it has no send button. Everything else works without it.", "助手只读取、解释和提出建议，不能下单。其他功能不依赖助手。"],
} as const;
export const say = words(assistant);
