/** Orders, fills and what joins them, drawn over candles. Only what is in sight costs anything. */
import type { CanvasRenderingTarget2D } from "fancy-canvas";
import type { ISeriesPrimitive, ISeriesPrimitiveAxisView, SeriesAttachedParameter, Time } from "lightweight-charts";
import { token } from "@/charts/colours";

export interface OrderLine { id: string; from: Time | null; price: number; text: string; stop: boolean; label: string }
export interface FillMark { time: Time; price: number; kind: "buy" | "sell" | "exit" }
export interface JoinLine { from: { time: Time; price: number }; to: { time: Time; price: number }; profit: number }
export interface Drawn { orders: readonly OrderLine[]; fills: readonly FillMark[]; joins: readonly JoinLine[] }

const NAMES = ["up", "down", "ink", "ink-2", "c2", "c4", "panel", "raise", "font"] as const;
const SIZE = 5;
const GRIP = 5; // pixels around a line that hold it
const WORDS = 120; // as wide as the words beside it
const DASH = [6, 4];
const DOTS = [2, 3];

export class TradeMarks implements ISeriesPrimitive<Time> {
  private to?: SeriesAttachedParameter<Time, "Candlestick">;
  private drawn: Drawn = { orders: [], fills: [], joins: [] };
  private tags: readonly ISeriesPrimitiveAxisView[] = [];
  private colours = new Map<string, string>(); // reading them from the page costs, a frame has many marks
  private readonly views = [{ zOrder: () => "top" as const, renderer: () => ({ draw: (target: CanvasRenderingTarget2D) => this.draw(target) }) }];

  attached(to: SeriesAttachedParameter<Time, "Candlestick">): void {
    this.to = to;
  }
  detached(): void {
    this.to = undefined;
  }
  paneViews() {
    return this.views;
  }
  priceAxisViews() {
    return this.tags;
  }

  show(drawn: Drawn): void {
    this.colours = new Map(NAMES.map((name) => [name, token(name)]));
    this.drawn = drawn;
    this.tags = drawn.orders.map((order) => ({
      coordinate: () => this.y(order.price) ?? -100, text: () => order.label, textColor: () => this.c("ink-2"), backColor: () => this.c("raise"),
    }));
    this.to?.requestUpdate();
  }

  /** The order whose line, or its words at the right, lies under a place of the chart. */
  orderAt(x: number, y: number): string | null {
    const words = (this.to?.chart.timeScale().width() ?? 0) - WORDS;
    const near = this.drawn.orders.find((order) => {
      const line = this.y(order.price);
      return line !== null && Math.abs(line - y) <= GRIP && x >= Math.min(this.x(order.from) ?? 0, words) - GRIP;
    });
    return near?.id ?? null;
  }

  private c(name: (typeof NAMES)[number]): string {
    return this.colours.get(name) ?? "";
  }
  private x(time: Time | null): number | null {
    return time === null ? null : (this.to?.chart.timeScale().timeToCoordinate(time) ?? null);
  }
  private y(price: number): number | null {
    return this.to?.series.priceToCoordinate(price) ?? null;
  }

  private draw(target: CanvasRenderingTarget2D): void {
    target.useMediaCoordinateSpace(({ context, mediaSize }) => {
      context.lineWidth = 1;
      for (const join of this.drawn.joins) this.drawJoin(context, join, mediaSize.width);
      for (const order of this.drawn.orders) this.drawOrder(context, order, mediaSize.width);
      for (const fill of this.drawn.fills) this.drawFill(context, fill, mediaSize.width);
      context.setLineDash([]);
    });
  }

  private drawJoin(to: CanvasRenderingContext2D, join: JoinLine, width: number): void {
    const [x1, y1, x2, y2] = [this.x(join.from.time), this.y(join.from.price), this.x(join.to.time), this.y(join.to.price)];
    if (x1 === null || y1 === null || x2 === null || y2 === null || x2 < 0 || x1 > width) return;
    to.strokeStyle = this.c(join.profit >= 0 ? "up" : "down");
    to.setLineDash([3, 3]);
    to.beginPath();
    to.moveTo(x1, y1);
    to.lineTo(x2, y2);
    to.stroke();
  }

  private drawOrder(to: CanvasRenderingContext2D, order: OrderLine, width: number): void {
    const y = this.y(order.price);
    if (y === null) return;
    const x = Math.max(0, this.x(order.from) ?? 0);
    to.strokeStyle = this.c("ink-2");
    to.setLineDash(order.stop ? DOTS : DASH);
    to.beginPath();
    to.moveTo(x, Math.round(y) + 0.5);
    to.lineTo(width, Math.round(y) + 0.5);
    to.stroke();
    to.font = `11px ${this.c("font")}`;
    to.fillStyle = this.c("ink-2");
    to.textAlign = "right";
    to.textBaseline = order.stop ? "top" : "bottom";
    to.fillText(order.text, width - 6, order.stop ? y + 3 : y - 3);
  }

  private drawFill(to: CanvasRenderingContext2D, fill: FillMark, width: number): void {
    const [x, y] = [this.x(fill.time), this.y(fill.price)];
    if (x === null || y === null || x < -SIZE || x > width + SIZE) return;
    to.setLineDash([]);
    to.beginPath();
    if (fill.kind === "exit") {
      to.strokeStyle = this.c("ink");
      to.lineWidth = 2;
      to.moveTo(x - SIZE + 1, y - SIZE + 1);
      to.lineTo(x + SIZE - 1, y + SIZE - 1);
      to.moveTo(x + SIZE - 1, y - SIZE + 1);
      to.lineTo(x - SIZE + 1, y + SIZE - 1);
      to.stroke();
      to.lineWidth = 1;
      return;
    }
    const tip = fill.kind === "buy" ? -SIZE : SIZE;
    to.fillStyle = this.c(fill.kind === "buy" ? "c4" : "c2");
    to.strokeStyle = this.c("panel");
    to.moveTo(x, y + tip);
    to.lineTo(x + SIZE, y - tip);
    to.lineTo(x - SIZE, y - tip);
    to.closePath();
    to.fill();
    to.stroke();
  }
}
