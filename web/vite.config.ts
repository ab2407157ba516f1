import tailwind from "@tailwindcss/vite";
import vue from "@vitejs/plugin-vue";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const API = process.env.CONSOLE_API ?? "http://127.0.0.1:8000";
const PROXY = { "/api": API, "/ws": { target: API, ws: true } };

export default defineConfig({
  plugins: [vue(), tailwind()],
  resolve: { alias: { "@": fileURLToPath(new URL("./src", import.meta.url)) } },
  build: {
    outDir: "../src/algotrader/api/static",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: { polyfill: false },
    // Files are never written into the page: its content security policy forbids data: fonts.
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1200,
  },
  server: { proxy: PROXY },
  preview: { proxy: PROXY },
  test: {
    environment: "happy-dom",
    environmentOptions: { happyDOM: { url: "http://127.0.0.1:8000/" } },
    include: ["tests/**/*.test.ts"],
    setupFiles: ["tests/setup.ts"],
    pool: "threads",
    maxWorkers: 2,
    testTimeout: 20_000,
  },
});
