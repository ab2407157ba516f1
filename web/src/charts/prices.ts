/** Lightweight Charts dressed in the tokens; loaded only by pages that draw. */
import { ColorType, CrosshairMode, LineStyle, TickMarkType, createChart, type DeepPartial, type IChartApi, type TimeChartOptions, type Time, type UTCTimestamp } from "lightweight-charts";
import { token } from "@/charts/colours";
import { day, time } from "@/lib/numbers";

export const seconds = (ms: number): UTCTimestamp => Math.floor(ms / 1000) as UTCTimestamp;

export function dressed(): DeepPartial<TimeChartOptions> {
  return {
    layout: {
      background: { type: ColorType.Solid, color: "transparent" },
      textColor: token("ink-3"), fontFamily: token("font"), fontSize: 11,
      panes: { separatorColor: token("line"), separatorHoverColor: token("line-2"), enableResize: false },
      attributionLogo: true,
    },
    grid: { vertLines: { color: token("grid") }, horzLines: { color: token("grid") } },
    crosshair: {
      mode: CrosshairMode.Normal,
      vertLine: { color: token("line-2"), style: LineStyle.Solid, labelBackgroundColor: token("line-2") },
      horzLine: { color: token("line-2"), style: LineStyle.Solid, labelBackgroundColor: token("line-2") },
    },
    rightPriceScale: { borderColor: token("line-2"), minimumWidth: 62, entireTextOnly: true },
    timeScale: { borderColor: token("line-2"), timeVisible: true, secondsVisible: false, rightOffset: 2, minBarSpacing: 0.02, enableConflation: true },
    localization: { timeFormatter: (at: number) => time(at * 1000), dateFormat: "yyyy-MM-dd" },
  };
}

/** Years in place of January, days, and hours below them, in the person's zone. */
function tick(at: Time, kind: TickMarkType): string {
  const date = day((at as number) * 1000);
  if (kind === TickMarkType.Year) return date.slice(0, 4);
  return kind <= TickMarkType.DayOfMonth ? date.slice(5) : time((at as number) * 1000).slice(-5);
}

export function chartIn(element: HTMLElement): IChartApi {
  const options = dressed();
  return createChart(element, { ...options, autoSize: true, timeScale: { ...options.timeScale, tickMarkFormatter: tick } });
}
