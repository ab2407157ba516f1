/** Two tones for what is critical, made here: no file is fetched. */
export function sound(): void {
  const context = new AudioContext();
  const volume = context.createGain();
  volume.gain.value = 0.12;
  volume.connect(context.destination);
  [660, 880].forEach((pitch, i) => {
    const tone = context.createOscillator();
    tone.frequency.value = pitch;
    tone.connect(volume);
    tone.start(context.currentTime + i * 0.22);
    tone.stop(context.currentTime + i * 0.22 + 0.16);
  });
  setTimeout(() => void context.close(), 800);
}
